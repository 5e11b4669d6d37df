"""The media types of packages."""

METHOD = "application/json"
OGC_PACKAGE = "application/ogcapppkg+json"
CWL_TYPES = (
    "application/cwl",
    "application/cwl+yaml",
    "application/cwl+json",
)
ACCEPTED = (METHOD, OGC_PACKAGE, *CWL_TYPES)
