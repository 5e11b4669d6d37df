// Swagger UI in the place of the plain list of operations.
const place = document.getElementById("swagger-ui");
SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  presets: [SwaggerUIBundle.presets.apis],
  deepLinking: true,
  docExpansion: "none",
  validatorUrl: null,
  onComplete: () => document.getElementById("operations").remove(),
});
