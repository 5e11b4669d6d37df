import { CcpCatalogue } from "./ccp-catalogue";
import { CcpJob } from "./ccp-job";
import { CcpMethod } from "./ccp-method";

/** The elements for pages of other origins: docs/embedding.md. */
customElements.define("ccp-job", CcpJob);
customElements.define("ccp-method", CcpMethod);
customElements.define("ccp-catalogue", CcpCatalogue);
