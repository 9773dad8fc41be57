/**
 * Work is kept in the browser (IndexedDB) as it is made, and is there again after a crash.
 *
 * Each tab keeps a session of its own and holds a lock while it lives. A new tab takes over the newest session whose tab
 * is gone.
 */
const DATABASE = "intarsia-studio", STORE = "sessions", WAIT = 700, KEPT_SESSIONS = 8;

export class Autosave {
  /** `snapshot()` resolves to what is kept, a record that IndexedDB can clone; `saved(time)` or `failed(error)` is told. */
  constructor({ snapshot, saved, failed }) {
    Object.assign(this, { snapshot, saved, failed });
    this.key = `${Date.now()}-${Math.random().toString(36).slice(2, 8)}`;
    hold(this.key);
  }

  /** The newest session whose tab is gone, or null. It goes on under this tab's name. */
  async recover() {
    this.database = await openDatabase();
    const alive = await living();
    const sessions = (await this.#all()).filter(({ key }) => !alive.has(key)).sort((a, b) => b.time - a.time);
    for (const old of sessions.slice(KEPT_SESSIONS)) await this.#do("readwrite", (store) => store.delete(old.key));
    const [newest] = sessions;
    if (!newest) return null;
    await this.#do("readwrite", (store) => store.delete(newest.key));
    await this.#do("readwrite", (store) => store.put({ ...newest, key: this.key }));
    return newest.state;
  }

  /** Something changed: keep it soon. */
  soon() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.now(), WAIT);
  }

  /** Keep it now. */
  async now() {
    clearTimeout(this.waiting);
    try {
      const time = Date.now(), state = await this.snapshot();
      await this.#do("readwrite", (store) => store.put({ key: this.key, time, state }));
      this.saved(time);
    } catch (error) {
      this.failed(error);
    }
  }

  #all() { return this.#do("readonly", (store) => store.getAll()); }

  #do(mode, act) {
    return new Promise((resolve, reject) => {
      const transaction = this.database.transaction(STORE, mode), request = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  }
}

function openDatabase() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "key" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Hold a lock as long as the tab lives. Pages that are not served from this machine or by HTTPS have no locks. */
function hold(key) {
  navigator.locks?.request(key, () => new Promise(() => {}));
}

async function living() {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return new Set(held.map(({ name }) => name));
}
