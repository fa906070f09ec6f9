// Our own: starts Swagger UI on this server's description (the page forbids inline scripts).
window.addEventListener("load", () => {
  window.ui = SwaggerUIBundle({
    url: "/api/v1/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    validatorUrl: null, // nothing is sent to anybody else
    presets: [SwaggerUIBundle.presets.apis],
  });
});
