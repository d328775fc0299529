"""Are the objects of contrib/kubernetes good ones, and do they fit each other and pgweir?

    manifests.py KUSTOMIZE PGWEIR

Prints TAP. Schemas say what is an object; what follows says what a cluster would only show
at run time: a probe of a port that nobody has, a Service that selects nothing, a file that
is not where the configuration looks for it.
"""

import base64
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import jsonschema
import kubernetes_validate
import yaml

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = HERE.parents[1] / "contrib" / "kubernetes"
VERSIONS = ("1.27", "1.37")  # the oldest that has all we use, the newest there is
COMPONENTS = {"autoscaling", "monitoring"}
# what an overlay or the operator has to bring
BROUGHT = {"pgweir-users", "pgweir-peers", "pgweir-tls"}
MINE = {"app.kubernetes.io/name": "pgweir"}

kustomize, program = sys.argv[1:]
count = 0
failed = False


def check(what, complaints):
	global count, failed
	count += 1
	complaints = list(complaints)
	for line in complaints:
		print("# %s" % line)
	print("%sok %d - %s" % ("not " if complaints else "", count, what))
	failed = failed or bool(complaints)


def built(path):
	done = subprocess.run([kustomize, "build", str(path)], capture_output=True, text=True)
	if done.returncode:
		check("kustomize build %s" % path.relative_to(FOLDER), done.stderr.splitlines() or ["?"])
		return []
	return [one for one in yaml.safe_load_all(done.stdout) if one]


def name_of(one):
	return "%s/%s" % (one["kind"], one["metadata"]["name"])


def faults(objects):
	"""What schemas say."""
	monitor = json.loads((HERE / "servicemonitor.json").read_text())
	for one in objects:
		try:
			if one["kind"] == "ServiceMonitor":
				jsonschema.validate(one, monitor)
				continue
			for version in VERSIONS:
				kubernetes_validate.validate(one, version, strict=True)
		except Exception as error:  # each of several libraries
			yield "%s: %s" % (name_of(one), str(error).splitlines()[0])


class Cluster:
	"""The objects of one overlay."""

	def __init__(self, objects):
		self.objects = objects
		self.deployment = self.one("Deployment", "pgweir")
		self.template = self.deployment["spec"]["template"]
		self.pod = self.template["spec"]
		(self.container,) = self.pod["containers"]
		self.ports = {port["name"]: port["containerPort"] for port in self.container["ports"]}
		self.labels = self.template["metadata"]["labels"]

	def all(self, kind):
		return [one for one in self.objects if one["kind"] == kind]

	def one(self, kind, name):
		(found,) = [one for one in self.all(kind) if one["metadata"]["name"] == name]
		return found

	def selects_pods(self, labels):
		return bool(labels) and labels.items() <= self.labels.items()

	# --- complaints ---

	def selectors(self):
		if not self.selects_pods(self.deployment["spec"]["selector"]["matchLabels"]):
			yield "the Deployment's selector is not that of its pods"
		for one in self.all("Service"):
			if not self.selects_pods(one["spec"].get("selector")):
				yield "%s selects no pod" % name_of(one)
			for port in one["spec"]["ports"]:
				target = port["targetPort"]
				if target not in self.ports:
					yield "%s: no port is called %s" % (name_of(one), target)
				elif one["spec"].get("clusterIP") == "None" and port["port"] != self.ports[target]:
					yield "%s is headless: its port is %s" % (name_of(one), self.ports[target])
		for one in self.all("PodDisruptionBudget"):
			if not self.selects_pods(one["spec"]["selector"].get("matchLabels")):
				yield "%s selects no pod, or all" % name_of(one)
		for one in self.all("NetworkPolicy"):
			if not self.selects_pods(one["spec"]["podSelector"].get("matchLabels")):
				yield "%s selects no pod, or all" % name_of(one)
		for one in self.pod["topologySpreadConstraints"]:
			if not self.selects_pods(one["labelSelector"]["matchLabels"]):
				yield "topologySpreadConstraints: not these pods"

	def monitors(self):
		for monitor in self.all("ServiceMonitor"):
			wanted = monitor["spec"]["selector"]["matchLabels"]
			found = [one for one in self.all("Service")
				if wanted.items() <= one["metadata"].get("labels", {}).items()]
			if len(found) != 1:
				yield "%s selects %d Services, each pod is to be asked once" % (
					name_of(monitor), len(found))
			for endpoint in monitor["spec"]["endpoints"]:
				for one in found:
					if endpoint["port"] not in [port["name"] for port in one["spec"]["ports"]]:
						yield "%s: no port of %s is called %s" % (
							name_of(monitor), name_of(one), endpoint["port"])
		for scaler in self.all("HorizontalPodAutoscaler"):
			target = scaler["spec"]["scaleTargetRef"]
			if (target["kind"], target["name"]) != ("Deployment", "pgweir"):
				yield "%s scales something else" % name_of(scaler)
			if "replicas" in self.deployment["spec"]:
				yield "both the Deployment and the autoscaler say how many replicas"
			rules = yaml.safe_load((FOLDER / "components/autoscaling/adapter.yaml").read_text())
			given = {rule["name"]["as"] for rule in rules["rules"]["custom"]}
			for metric in scaler["spec"]["metrics"]:
				if metric["type"] == "Pods" and metric["pods"]["metric"]["name"] not in given:
					yield "adapter.yaml gives no %s" % metric["pods"]["metric"]["name"]

	def hardening(self):
		pod, own = self.pod["securityContext"], self.container["securityContext"]
		wanted = {
			"runAsNonRoot": pod.get("runAsNonRoot") is True,
			"a user that is not root": pod.get("runAsUser", 0) > 0,
			"seccompProfile": pod.get("seccompProfile", {}).get("type") == "RuntimeDefault",
			"allowPrivilegeEscalation: false": own.get("allowPrivilegeEscalation") is False,
			"readOnlyRootFilesystem": own.get("readOnlyRootFilesystem") is True,
			"no capabilities": own.get("capabilities", {}).get("drop") == ["ALL"],
			"automountServiceAccountToken: false": self.pod.get("automountServiceAccountToken") is False,
			"a limit of memory": "memory" in self.container["resources"]["limits"],
		}
		yield from ("expected %s" % what for what, held in wanted.items() if not held)

	def rollout(self, settings):
		update = self.deployment["spec"]["strategy"]["rollingUpdate"]
		if update["maxUnavailable"] != 0:
			yield "a rollout takes away a pod before there is another"
		grace, timeout = self.pod["terminationGracePeriodSeconds"], float(settings["drain_timeout"])
		if not timeout + 5 <= grace:
			yield "terminationGracePeriodSeconds %s: expected more than drain_timeout %s" % (
				grace, timeout)
		if not float(settings["drain_accept_time"]) + float(settings["drain_time"]) <= timeout:
			yield "drain_timeout ends before the good-byes do"
		readiness = self.container["readinessProbe"]
		late = readiness["periodSeconds"] * readiness["failureThreshold"]
		if not late <= float(settings["drain_accept_time"]):
			yield "it is seen as ready %s s after it has closed its door" % late

	def configuration(self, settings):
		for name, setting in (("postgres", "listen_port"), ("metrics", "metrics_listen")):
			port = int(settings[setting].rpartition(":")[2])
			if self.ports.get(name) != port:
				yield "%s = %s, and the container's port is %s" % (
					setting, settings[setting], self.ports.get(name))
		for probe, path in (("startupProbe", "/startupz"), ("livenessProbe", "/livez"),
				("readinessProbe", "/readyz")):
			if self.container[probe]["httpGet"] != {"path": path, "port": "metrics"}:
				yield "%s does not ask %s" % (probe, path)
		if settings.get("reload_on_change") != "1":
			yield "files that change are not read"
		for mount in self.container["volumeMounts"]:
			if "subPath" in mount:
				yield "what is mounted by subPath never changes"
		peers = self.one("Service", settings["budget_peers"])
		if peers["spec"].get("clusterIP") != "None" or not peers["spec"].get("publishNotReadyAddresses"):
			yield "budget_peers: expected a headless Service that shows all pods"
		for policy in self.all("NetworkPolicy"):
			open_ports = {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
			if open_ports != set(self.ports.values()):
				yield "%s opens %s" % (name_of(policy), sorted(open_ports))

	# --- the volume as a container sees it ---

	def data(self, kind, name):
		found = [one for one in self.all(kind) if one["metadata"]["name"] == name]
		if not found:
			return None
		data = dict(found[0].get("stringData", {}))
		for key, value in found[0].get("data", {}).items():
			data[key] = base64.b64decode(value).decode() if kind == "Secret" else value
		return data

	def lay_out(self, folder):
		"""Write what is mounted as /etc/pgweir; complaints."""
		(volume,) = [one for one in self.pod["volumes"] if one["name"] == "configuration"]
		for source in volume["projected"]["sources"]:
			kind = "Secret" if "secret" in source else "ConfigMap"
			wish = source.get("secret") or source["configMap"]
			data = self.data(kind, wish["name"])
			if data is None:
				if wish["name"] not in BROUGHT:
					yield "nobody makes the %s %s" % (kind, wish["name"])
				data = {}
			items = wish.get("items") or [{"key": key, "path": key} for key in data]
			for item in items:
				if data and item["key"] not in data:
					yield "%s %s has no %s" % (kind, wish["name"], item["key"])
				path = folder / item["path"]
				path.parent.mkdir(exist_ok=True, parents=True)
				if item["key"] in data:
					path.write_text(data[item["key"]])
		if volume["projected"]["defaultMode"] & 0o007:
			yield "everybody may read the secrets"

	def accepted(self, folder):
		"""Does pgweir take the configuration, all files being where it looks?"""
		ini = folder / "pgweir.ini"
		ini.write_text(ini.read_text().replace("/etc/pgweir", str(folder)))
		for brought, text in (("users/userlist.txt", '"app" "x"\n'),
				("peers/secret", "sixteen characters\n")):
			if not (folder / brought).exists():
				(folder / brought).write_text(text)
		for path in folder.rglob("*"):
			path.chmod(0o755 if path.is_dir() else 0o644)
		done = subprocess.run([program, "--check", str(ini)], capture_output=True, text=True)
		if done.returncode or re.search(r" (WARNING|ERROR|FATAL) ", done.stdout + done.stderr):
			yield from (done.stdout + done.stderr).splitlines()


def settings_of(text):
	"""The main section of an ini."""
	found, section = {}, None
	for line in text.splitlines():
		line = line.strip()
		if line.startswith("["):
			section = line
		elif section == "[pgbouncer]" and "=" in line and line[0] not in ";#":
			name, _, value = line.partition("=")
			found[name.strip()] = value.strip()
	return found


def look_at(title, objects):
	check("%s: schemas of Kubernetes %s" % (title, " and ".join(VERSIONS)), faults(objects))
	cluster = Cluster(objects)
	settings = settings_of(cluster.data("ConfigMap", "pgweir")["pgweir.ini"])
	check("%s: what selects, selects" % title, cluster.selectors())
	check("%s: Prometheus and the autoscaler find it" % title, cluster.monitors())
	check("%s: it needs no rights" % title, cluster.hardening())
	check("%s: a rollout gives each pod its time" % title, cluster.rollout(settings))
	check("%s: configuration and objects say the same" % title, cluster.configuration(settings))
	with tempfile.TemporaryDirectory() as folder:
		folder = pathlib.Path(folder)
		check("%s: each file comes from somewhere" % title, cluster.lay_out(folder))
		check("%s: pgweir accepts the configuration" % title, cluster.accepted(folder))


base = built(FOLDER / "base")
example = built(FOLDER / "overlays/example")
if base and example:
	look_at("base", base)
	look_at("overlays/example", example)
	used = {path.name for path in (FOLDER / "components").iterdir()}
	check("the example uses every component", ["%s is another one" % name for name in
		used ^ COMPONENTS] + ([] if {"ServiceMonitor", "HorizontalPodAutoscaler"} <=
			{one["kind"] for one in example} else ["one is missing in it"]))
	check("the base needs no more than Kubernetes itself", [name_of(one) for one in base
		if "." in one["apiVersion"].partition("/")[0]
		and not one["apiVersion"].startswith(("networking.k8s.io/",))])
print("1..%d" % count)
sys.exit(failed)
