/**
 * The photo follows the label map: the latest stroke wins.
 *
 * At the end of a stroke the request under way is cancelled and a new one sent. While a stroke is painted, requests go
 * one after another, so that the photo follows even a long stroke. A busy server is asked again when it says so.
 */
export class Live {
  /** `make(signal)` resolves to {blob, seed, milliseconds}; `show(result)` shows it; `tell(state, text)`. */
  constructor({ make, show, tell, say }) {
    Object.assign(this, { make, show, tell, say });
    this.on = true;
    this.underWay = null;
    this.again = false;
    this.results = 0;
  }

  /** The map or the look changed for good. */
  changed() {
    if (!this.on) { this.tell("idle", "paused"); return; }
    this.underWay?.abort();
    this.underWay = null;
    this.#send();
  }

  /** The map is changing. */
  changing() {
    if (!this.on) return;
    if (this.underWay) this.again = true;
    else this.#send();
  }

  /** Make the photo even if it does not follow. */
  now() {
    this.underWay?.abort();
    this.underWay = null;
    return this.#send();
  }

  async #send() {
    const mine = new AbortController(), start = performance.now();
    this.underWay = mine;
    this.again = false;
    clearTimeout(this.waiting);
    this.tell("working", "rendering");
    try {
      const result = await this.make(mine.signal);
      if (this.underWay !== mine) return;
      await this.show(result);
      this.results++;
      this.tell("ready", `${Math.round(performance.now() - start)} ms`);
    } catch (error) {
      if (this.underWay !== mine || error.name === "AbortError" || error.status === 409) return;
      this.#failed(error);
    } finally {
      if (this.underWay === mine) this.underWay = null;
    }
    if (this.again && !this.underWay) this.#send();
  }

  #failed(error) {
    const seconds = error.status === 429 ? error.retryAfter ?? 1 : error.status === 0 ? 3 : null;
    this.tell("wrong", error.status === 429 ? "server is busy" : error.status === 0 ? "no server" : "no photo");
    if (error.status !== 429) this.say(error.message);
    if (seconds !== null) this.waiting = setTimeout(() => { if (!this.underWay) this.#send(); }, 1000 * seconds);
  }
}
