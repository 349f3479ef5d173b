# The node agent and the script of pools, under every shell there is, in sandbox homes under a temporary folder.
TESTS += tests/agent/test_agent_lint.sh tests/agent/test_gang_ssh.sh tests/agent/test_host.sh
EXTRA_DIST += tests/agent/test_agent.sh tests/agent/test_agent_lint.sh tests/agent/test_gang_ssh.sh tests/agent/suite.sh \
	tests/agent/test_host.sh
