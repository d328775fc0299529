"""The machines, servers and clients of a deployment, for test_deploy_*.py."""
