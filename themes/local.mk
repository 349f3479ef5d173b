# Colour themes: one YAML file a theme.
themesdir = $(pkgdatadir)/themes
dist_themes_DATA = themes/default.yaml
