# Recipes, systemd units, and what is made from the verb table: man page and completions. Those are made by the program
# that was just built; a cross build, which cannot run it, takes the copies that every release tarball carries.
recipesdir = $(pkgdatadir)/recipes
dist_recipes_DATA = \
	share/recipes/deepseek-r1.yaml \
	share/recipes/hello.yaml \
	share/recipes/llama-3.2.yaml \
	share/recipes/mnist.yaml \
	share/recipes/train-cpu.yaml \
	share/recipes/vllm.yaml

bashcompdir = $(datadir)/bash-completion/completions
zshcompdir = $(datadir)/zsh/site-functions
fishcompdir = $(datadir)/fish/vendor_completions.d
dist_man_MANS += share/skytop.1
dist_bashcomp_DATA = share/completions/skytop
dist_zshcomp_DATA = share/completions/_skytop
dist_fishcomp_DATA = share/completions/skytop.fish
FROM_VERBS = $(dist_man_MANS) $(dist_bashcomp_DATA) $(dist_zshcomp_DATA) $(dist_fishcomp_DATA)
if !CROSS_COMPILING
share/skytop.1: skytop$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) share && ./skytop help --man > $@.new && mv $@.new $@
share/completions/skytop: skytop$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) share/completions && ./skytop completions bash > $@.new && mv $@.new $@
share/completions/_skytop: skytop$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) share/completions && ./skytop completions zsh > $@.new && mv $@.new $@
share/completions/skytop.fish: skytop$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) share/completions && ./skytop completions fish > $@.new && mv $@.new $@
CLEANFILES += $(FROM_VERBS)
endif

# The units name the program where it is installed.
systemduserdir = $(prefix)/lib/systemd/user
systemdsystemdir = $(prefix)/lib/systemd/system
systemduser_DATA = share/systemd/user/skytop.service
systemdsystem_DATA = share/systemd/system/skytop.service
UNITS = $(systemduser_DATA) $(systemdsystem_DATA)
EXTRA_DIST += share/systemd/user/skytop.service.in share/systemd/system/skytop.service.in
CLEANFILES += $(UNITS)
share/systemd/user/skytop.service: share/systemd/user/skytop.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) 's|[@]bindir@|$(bindir)|' $(srcdir)/$@.in > $@.new && mv $@.new $@
share/systemd/system/skytop.service: share/systemd/system/skytop.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) 's|[@]bindir@|$(bindir)|' $(srcdir)/$@.in > $@.new && mv $@.new $@

# What nodes get: shell scripts, installed as they are (core finds them with share_path("agent/skytop-agent")).
agentdir = $(pkgdatadir)/agent
dist_agent_SCRIPTS = share/agent/skytop-agent share/agent/skytop-enter share/agent/skytop-access share/agent/skytop-tree \
	share/agent/skytop-fetch
EXTRA_DIST += share/agent/PROTOCOL.md share/agent/skytop-host

# The tables of README.md, between its marks, are the program's own; a test compares them.
readme: skytop$(EXEEXT)
	$(AM_V_GEN)./skytop help --markdown > README.tables && $(AWK) -f $(top_srcdir)/share/readme.awk README.tables $(top_srcdir)/README.md > README.new && \
		mv README.new $(top_srcdir)/README.md && rm -f README.tables
.PHONY: readme
EXTRA_DIST += share/readme.awk

include share/catalog/local.mk
