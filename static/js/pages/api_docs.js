// Swagger UI over the installation's own OpenAPI document. "Try it out" uses the session, or a key if one is given.

const meta = (name) => document.querySelector(`meta[name="${name}"]`).content;

globalThis.SwaggerUIBundle({
  url: meta("rlm-openapi"),
  domNode: document.getElementById("api"),
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  requestInterceptor(request) {
    request.headers["X-CSRFToken"] = meta("rlm-csrf");
    return request;
  },
});
