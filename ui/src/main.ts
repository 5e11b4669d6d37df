// The one script of all pages: they work without it, and move by themselves with it.
import "htmx.org";
import "./follow";
import "./log";
import "./files";
import "./editor";
import "./form";
import "./lazy";
import "./rows";
