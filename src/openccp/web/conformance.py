"""The conformance classes this service declares: the one place that says so."""

PART1_1 = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"
PART1_2 = "http://www.opengis.net/spec/ogcapi-processes-1/2.0/conf/"
PART2 = "http://www.opengis.net/spec/ogcapi-processes-2/1.0/conf/"
PART4 = "http://www.opengis.net/spec/ogcapi-processes-4/1.0/conf/"
_BOTH = (
    *("core", "ogc-process-description", "json", "html", "oas30", "job-list", "callback"),
    "dismiss",
)
CLASSES = {
    PART1_1: _BOTH,
    PART1_2: (*_BOTH, "oas", "oas31", "kvp-execute", "query-param-profile"),
    PART2: ("deploy-replace-undeploy", "ogcapppkg", "docker", "cwl"),
    PART4: ("job-management", "provenance"),
}
CONFORMANCE = tuple(part + name for part, names in CLASSES.items() for name in names)
