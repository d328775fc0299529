import java.io.StringReader;
import java.io.StringWriter;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.postgresql.PGConnection;

/**
 * Client of pgjdbc: unnamed statements at first, from the fifth execution on named
 * ones, which every connection names alike; rows in portions; batches.
 *
 * Every value a session sends carries a tag that no other session and no other process
 * uses, so an answer that went to the wrong session cannot pass for the right one.
 */
public final class Pgjdbc {
	static final int CLIENTS = number("CLIENTS", 12);
	static final int ROUNDS = number("ROUNDS", 20);
	static final int COPY_ROWS = 50;
	static final long CANCEL_NANOS = 5_000_000_000L;
	static final long PROCESS = ProcessHandle.current().pid();
	static final String TABLE = "clients_pgjdbc_" + PROCESS;
	static final String WATCH = "select count(*) from pg_stat_activity "
		+ "where wait_event = 'PgSleep' and strpos(query, ?) > 0";
	static final AtomicInteger checks = new AtomicInteger();
	static final Object cancelling = new Object();

	interface Act {
		void run() throws Exception;
	}

	static String text(String name, String otherwise) {
		String value = System.getenv(name);
		return value == null ? otherwise : value;
	}

	static int number(String name, int otherwise) {
		return Integer.parseInt(text(name, "" + otherwise));
	}

	static void expect(String what, Object expected, Object came) {
		if (!expected.equals(came))
			throw new AssertionError(what + ": expected " + expected + ", got " + came);
		checks.incrementAndGet();
	}

	static void expectError(String what, String sqlstate, Act act) throws Exception {
		String came = "no error";
		try {
			act.run();
		} catch (SQLException error) {
			came = error.getSQLState();
		}
		expect(what, sqlstate, came);
	}

	static Connection connect() throws SQLException {
		Properties settings = new Properties();
		settings.setProperty("user", text("PGUSER", "postgres"));
		settings.setProperty("password", text("PGPASSWORD", ""));
		settings.setProperty("sslmode", text("PGSSLMODE", "disable"));
		return DriverManager.getConnection("jdbc:postgresql://" + text("PGHOST", "127.0.0.1")
			+ ":" + text("PGPORT", "5432") + "/" + text("PGDATABASE", "postgres"), settings);
	}

	/** First column of all rows, as text. */
	static List<String> ask(Connection conn, int portion, String text, Object... values)
			throws SQLException {
		List<String> got = new ArrayList<>();
		try (PreparedStatement asked = conn.prepareStatement(text)) {
			asked.setFetchSize(portion);
			for (int i = 0; i < values.length; i++)
				asked.setObject(i + 1, values[i]);
			try (ResultSet rows = asked.executeQuery()) {
				while (rows.next())
					got.add(rows.getString(1));
			}
		}
		return got;
	}

	static void execute(Connection conn, String text) throws SQLException {
		try (Statement statement = conn.createStatement()) {
			statement.execute(text);
		}
	}

	static void insert(Connection conn, String mine, int first, int rows) throws SQLException {
		try (PreparedStatement insert =
				conn.prepareStatement("insert into " + TABLE + " values (?, ?)")) {
			for (int i = 0; i < rows; i++) {
				insert.setString(1, rows == 1 ? mine : mine + "-c" + i);
				insert.setInt(2, first + i);
				insert.addBatch();
			}
			expect("batch", rows, insert.executeBatch().length);
		}
	}

	/** Commit, roll back or fail: afterwards exactly the committed row is there. */
	static void transaction(Connection conn, int n, String mine) throws Exception {
		conn.setAutoCommit(false);
		insert(conn, mine, n, 1);
		String own = "select tag || '=' || n from " + TABLE + " where tag = ?";
		expect("own row", List.of(mine + "=" + n), ask(conn, 0, own, mine));
		List<String> portal = new ArrayList<>();
		for (int i = 1; i <= 25; i++)
			portal.add(mine + i);
		expect("rows of a portal", portal,
			ask(conn, 10, "select ? || i from generate_series(1, 25) i", mine));
		if (n % 3 == 2)
			expectError("division", "22012", () -> ask(conn, 0, "select 1/?", 0));
		if (n % 3 == 0)
			conn.commit();
		else
			conn.rollback();
		conn.setAutoCommit(true);
		expect("rows left", n % 3 == 0 ? 1 : 0, ask(conn, 0, own, mine).size());
	}

	static void copy(Connection conn, String mine) throws Exception {
		StringBuilder lines = new StringBuilder();
		for (int i = 0; i < COPY_ROWS; i++)
			lines.append(mine).append("-c").append(i).append('\t').append(i).append('\n');
		StringWriter back = new StringWriter();
		var api = conn.unwrap(PGConnection.class).getCopyAPI();
		String out = "copy (select * from " + TABLE + " where strpos(tag, '" + mine
			+ "-c') = 1 order by n) to stdout";
		conn.setAutoCommit(false);
		api.copyIn("copy " + TABLE + " from stdin", new StringReader(lines.toString()));
		api.copyOut(out, back);
		expect("copied rows", lines.toString(), back.toString());
		conn.rollback();
		insert(conn, mine, 0, COPY_ROWS);
		back.getBuffer().setLength(0);
		api.copyOut(out, back);
		expect("rows of the batch", lines.toString(), back.toString());
		conn.rollback();
		conn.setAutoCommit(true);
	}

	/** A sleeping query occupies a server, the watcher another one: one cancel at a time. */
	static void cancel(Connection conn, String mine) throws Exception {
		synchronized (cancelling) {
			long start = System.nanoTime();
			Statement sleeper = conn.createStatement();
			FutureTask<Void> stop = new FutureTask<>(() -> {
				try (Connection other = connect()) {
					while (ask(other, 0, WATCH, mine).get(0).equals("0")
							&& System.nanoTime() - start < CANCEL_NANOS)
						Thread.sleep(10);
				}
				sleeper.cancel();
				return null;
			});
			new Thread(stop).start();
			expectError("cancelled query", "57014",
				() -> sleeper.execute("select pg_sleep(30) /* " + mine + " */"));
			stop.get();
			sleeper.close();
			expect("cancelled in time", true, System.nanoTime() - start < CANCEL_NANOS);
		}
	}

	static void session(int number) throws Exception {
		String word = "p" + PROCESS + "s" + number;
		try (Connection conn = connect()) {
			for (int n = 0; n < ROUNDS; n++) {
				String mine = PROCESS + "-s" + number + "-r" + n;
				expect("no parameters", List.of("7"), ask(conn, 0, "select 3 + 4"));
				expect("parameter", List.of(mine), ask(conn, 0, "select ?::text", mine));
				expect("own statement", List.of(word + mine),
					ask(conn, 0, "select '" + word + "' || ?", mine));
				expectError("division", "22012", () -> ask(conn, 0, "select 1/0"));
				execute(conn, "do $$ begin raise notice 'to be ignored'; end $$");
				transaction(conn, n, mine);
				if (n % 5 == 0)
					copy(conn, mine);
				if (n == ROUNDS / 2)
					cancel(conn, mine);
			}
		}
	}

	static void guarded(Act act) {
		try {
			act.run();
		} catch (Throwable error) {
			error.printStackTrace();
			System.err.println("failed: " + error.getMessage());
			Runtime.getRuntime().halt(1);
		}
	}

	public static void main(String[] args) throws Exception {
		guarded(() -> {
			try (Connection first = connect()) {
				execute(first, "create table if not exists " + TABLE + " (tag text, n int)");
				List<Thread> threads = new ArrayList<>();
				for (int i = 0; i < CLIENTS; i++) {
					int number = i;
					threads.add(new Thread(() -> guarded(() -> session(number))));
				}
				threads.forEach(Thread::start);
				for (Thread thread : threads)
					thread.join();
				expect("committed rows", List.of("" + CLIENTS * ((ROUNDS + 2) / 3)),
					ask(first, 0, "select count(*) from " + TABLE));
				execute(first, "drop table " + TABLE);
			}
		});
		System.out.println("ok pgjdbc " + org.postgresql.util.DriverInfo.DRIVER_VERSION + " "
			+ checks + " checks");
	}
}
