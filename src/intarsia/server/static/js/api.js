/** The server's HTTP API, as the page needs it. */

/** What the server refused, in its own words. `retryAfter` in seconds, where it said so. */
export class ApiError extends Error {
  constructor(message, status, retryAfter = null) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

export class Api {
  /** `token` goes along as a bearer token, if the server wants one. */
  constructor(token = null) {
    this.token = token;
  }

  models() { return this.#json("v1/models"); }
  scenes() { return this.#json("v1/scenes"); }

  /** How the classes of model `of` map to those of model `to`. */
  mapping(of, to) { return this.#json(`v1/models/${encodeURIComponent(to)}/mapping?of=${encodeURIComponent(of)}`); }

  /**
   * A photo of a label map. `files` are form fields (Blob or Uint8Array: labels, instances, style, ...), `options` as
   * the API's. Resolves to {blob, seed, milliseconds}.
   */
  synthesise(files, options, signal) { return this.#picture("v1/synthesise", files, options, signal); }

  /** A photo with what changed made anew: files photo, hole, labels, ... */
  edit(files, options, signal) { return this.#picture("v1/edit", files, options, signal); }

  /** The label map of a photo, as an index PNG. */
  async segment(photo, options) { return (await this.#picture("v1/segment", { photo }, options)).blob; }

  projects() { return this.#json("v1/projects"); }

  async project(name) {
    const response = await this.#ask(`v1/projects/${encodeURIComponent(name)}`);
    return new Uint8Array(await response.arrayBuffer());
  }

  putProject(name, zip) {
    return this.#ask(`v1/projects/${encodeURIComponent(name)}`, { method: "PUT", body: zip, headers: { "Content-Type": "application/zip" } });
  }

  deleteProject(name) { return this.#ask(`v1/projects/${encodeURIComponent(name)}`, { method: "DELETE" }); }

  /** The bytes of a file of the server. */
  async bytes(path) { return new Uint8Array(await (await this.#ask(path)).arrayBuffer()); }

  async #picture(path, files, options, signal) {
    const form = new FormData();
    for (const [name, file] of Object.entries(files)) {
      if (file) form.append(name, file instanceof Blob ? file : new Blob([file], { type: "image/png" }), `${name}.png`);
    }
    form.append("options", JSON.stringify(options));
    const response = await this.#ask(path, { method: "POST", body: form, signal });
    return {
      blob: await response.blob(),
      seed: Number(response.headers.get("X-Seed") ?? options.seed),
      milliseconds: Number(response.headers.get("X-Milliseconds") ?? 0),
    };
  }

  async #json(path) { return (await this.#ask(path)).json(); }

  async #ask(path, request = {}) {
    const headers = { ...request.headers };
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    let response;
    try {
      response = await fetch(path, { ...request, headers });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ApiError("the server does not answer. Is `intarsia studio` still running?", 0);
    }
    if (response.ok) return response;
    const { detail } = await response.json().catch(() => ({}));
    const wait = Number(response.headers.get("Retry-After"));
    throw new ApiError(typeof detail === "string" ? detail : `the server answered ${response.status}.`, response.status, wait || null);
  }
}
