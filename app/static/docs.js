// Starts Swagger UI. A file of its own, since the page's policy forbids inline scripts.
"use strict";

const page = document.getElementById("docs");

SwaggerUIBundle({
  domNode: page,
  url: new URL(page.dataset.openapi, document.baseURI).href,
  deepLinking: true,
  displayRequestDuration: true,
  layout: "BaseLayout",
  persistAuthorization: false, // a token must not outlive the tab
  queryConfigEnabled: false, // no ?url=: a link can't show another API as ours
  requestInterceptor: (request) => request, // adds nothing: what you see is what is sent
});
