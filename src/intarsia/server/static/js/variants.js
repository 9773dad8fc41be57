import { byId, iconButton, make } from "./dom.js";

/** A strip of photos of the same map by other seeds; a click takes the seed. */
export class Variants {
  constructor(studio, renderer, say) {
    Object.assign(this, { studio, renderer, say });
    this.strip = byId("strip");
    this.urls = [];
  }

  /** Make `count` of them, one after another, the present seed first. */
  async make(count) {
    this.stop();
    if (!this.studio.model?.takes.seed) { this.say("this model makes one photo of a label map; seeds change nothing."); return; }
    const mine = this.running = new AbortController(), { seed } = this.studio.look;
    const seeds = Array.from({ length: count }, (_, number) => (seed + number) % 4294967296);
    const buttons = seeds.map((one) => make("button", {
      class: "variant", "aria-pressed": String(one === seed), "data-seed": one, title: `Take seed ${one}`, onclick: () => this.studio.setLook({ seed: one }),
    }, make("img", { class: "thumb", alt: "" }), `${one}`));
    this.strip.replaceChildren(...buttons, iconButton("close", "Close the variants", () => { this.stop(); this.strip.hidden = true; }));
    this.strip.hidden = false;
    try {
      for (const [number, one] of seeds.entries()) {
        const { blob } = await this.#patiently(one, mine.signal);
        const url = URL.createObjectURL(blob);
        this.urls.push(url);
        buttons[number].querySelector("img").src = url;
      }
    } catch (error) {
      if (error.name !== "AbortError") this.say(error.message);
    }
  }

  async #patiently(seed, signal) {
    for (;;) {
      try {
        return await this.renderer.aside({ seed }, signal);
      } catch (error) {
        if (error.status !== 429) throw error;
        await new Promise((resolve) => setTimeout(resolve, 1000 * (error.retryAfter ?? 1)));
        signal.throwIfAborted();
      }
    }
  }

  stop() {
    this.running?.abort();
    for (const url of this.urls.splice(0)) URL.revokeObjectURL(url);
  }

  /** Show which seed the photo has. */
  mark(seed) {
    for (const button of this.strip.querySelectorAll(".variant")) button.setAttribute("aria-pressed", String(Number(button.dataset.seed) === seed));
  }
}
