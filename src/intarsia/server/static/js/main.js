import { App } from "./app.js";

/** The studio, at hand in the browser's console and for tests. */
window.studio = new App();
await window.studio.start();
