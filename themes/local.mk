# Colour themes: one YAML file a theme; the format is described in default.yaml.
themesdir = $(pkgdatadir)/themes
dist_themes_DATA = themes/colour-blind.yaml themes/dark.yaml themes/default.yaml themes/high-contrast.yaml themes/light.yaml \
	themes/monochrome.yaml themes/solarized.yaml
