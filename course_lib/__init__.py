"""Library of the course on large language models; import what you need from its packages."""
