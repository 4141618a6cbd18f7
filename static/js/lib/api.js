// The documented REST interface, spoken with the browser's session: CSRF token and organization go along as headers.

/** A refused or failed request; `fields` maps a request field to its message. `status` 0: no answer at all. */
export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `The server answered ${status}`);
    this.name = "ApiError";
    this.status = status;
    this.title = problem.title || "";
    this.fields = new Map((problem.errors || []).map((error) => [error.field, error.message]));
  }
}

const NO_ANSWER = { title: "No connection", detail: "The server cannot be reached. Nothing was lost; try again." };

function parsed(text) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" ? value : {};
  } catch {
    return {};
  }
}

export class Api {
  constructor({ organization, csrf, fetch = globalThis.fetch.bind(globalThis) }) {
    this.organization = organization;
    this.csrf = csrf;
    this.fetch = fetch;
  }

  /** Read organization and CSRF token from the page's meta tags. */
  static ofPage(document = globalThis.document) {
    const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content || "";
    return new Api({ organization: meta("rlm-organization"), csrf: meta("rlm-csrf") });
  }

  headers() {
    const headers = { Accept: "application/json", "X-CSRFToken": this.csrf };
    if (this.organization) headers["X-Organization"] = this.organization;
    return headers;
  }

  /** The response to a request that succeeded. */
  async answer(method, path, { json, signal, headers } = {}) {
    const options = { method, signal, credentials: "same-origin", headers: { ...this.headers(), ...headers } };
    if (json !== undefined) {
      options.body = JSON.stringify(json);
      options.headers["Content-Type"] = "application/json";
    }
    let response;
    try {
      response = await this.fetch(`/api/v1/${path}`, options);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ApiError(0, NO_ANSWER);
    }
    if (!response.ok) throw new ApiError(response.status, parsed(await response.text()));
    return response;
  }

  async request(method, path, options) {
    const response = await this.answer(method, path, options);
    return response.status === 204 ? null : response.json();
  }

  get(path, options) {
    return this.request("GET", path, options);
  }

  post(path, json, options) {
    return this.request("POST", path, { ...options, json });
  }

  run(id, options) {
    return this.get(`runs/${id}`, options);
  }

  /** All spans as columns; the response is read while it comes. */
  skeleton(id) {
    return this.answer("GET", `runs/${id}/spans`, { headers: { Accept: "application/x-ndjson" } });
  }

  /** A page of events: all, those of some `spans`, or those of a `type`. */
  events(id, after, limit, { spans = [], type = "" } = {}) {
    const query = new URLSearchParams({ after, limit });
    for (const span of spans) query.append("span", span);
    if (type) query.append("type", type);
    return this.get(`runs/${id}/events?${query}`);
  }

  /** All events behind a number as they come; the response is read while it comes. */
  followed(id, after, signal) {
    return this.answer("GET", `runs/${id}/events?after=${after}`, { signal, headers: { Accept: "text/event-stream" } });
  }

  /** Change what becomes of a run: cancel, pause, resume, retry, fork. `key`: the same request again is answered the same. */
  act(id, what, body, key = "") {
    return this.post(`runs/${id}/${what}`, body, { headers: key ? { "Idempotency-Key": key } : {} });
  }

  /** A run as a file. */
  async exported(id, format) {
    return (await this.answer("GET", `runs/${id}/export?format=${format}`)).blob();
  }

  startRun(project, body, key) {
    return this.post(`projects/${project}/runs`, body, { headers: { "Idempotency-Key": key } });
  }

  /** Send one file; `progress` gets the share sent, 0 to 1. fetch() cannot tell how much has gone out, hence the XHR. */
  upload(project, file, { progress, signal } = {}) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", `/api/v1/projects/${project}/files`);
      for (const [name, value] of Object.entries(this.headers())) request.setRequestHeader(name, value);
      request.upload.addEventListener("progress", (event) => progress?.(event.total ? event.loaded / event.total : 0));
      request.addEventListener("load", () => {
        const body = parsed(request.responseText);
        if (request.status < 300) resolve(body);
        else reject(new ApiError(request.status, body));
      });
      request.addEventListener("error", () => reject(new ApiError(0, NO_ANSWER)));
      request.addEventListener("abort", () => reject(new DOMException("The upload was cancelled", "AbortError")));
      signal?.addEventListener("abort", () => request.abort());
      const form = new FormData();
      form.append("file", file, file.name);
      request.send(form);
    });
  }
}
