// Where the hub's routes are, seen from this page. The hub may live behind a proxy under any
// prefix, so every address is built from the page's own; nothing here assumes the root.

/** The hub's own address, with a trailing slash, whichever of its pages this is. */
export const HUB = hubOf(location.href);

/** The API key or the link's token this page was opened with, handed on to every request it makes. */
const PASS = ['api_key', 'token'].flatMap((name) => {
  const value = new URLSearchParams(location.search).get(name);
  return value ? [/** @type {const} */ ([name, value])] : [];
});

/**
 * @param {string} href address of one of the hub's pages
 * @returns {URL} `<base>/` of the page at `<base>/`, `<base>/recordings`, `<base>/stats-page` `<base>/stream/<name>/embed` or `<base>/analyses/<id>`
 */
export function hubOf(href) {
  const page = new URL(href);
  page.search = '';
  page.hash = '';
  const embedded = /^(.*\/)(?:stream\/[^/]+\/embed|analyses\/[^/]+)\/?$/.exec(page.pathname);
  if (embedded) {
    page.pathname = embedded[1] ?? '/';
    return page;
  }
  return new URL('.', page);
}

/**
 * The address to request, with what the page was opened with.
 * @param {string} path relative to the hub, such as `api/streams`
 * @param {Record<string, string | number>} [query]
 */
export function at(path, query = {}) {
  const url = new URL(path, HUB);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
  for (const [name, value] of PASS) url.searchParams.set(name, value);
  return url.href;
}

/**
 * Like `at`, as a WebSocket address.
 * @param {string} path
 * @param {Record<string, string>} [query]
 */
export function socketAt(path, query = {}) {
  return at(path, query).replace(/^http/, 'ws');
}

/**
 * The address to show and to copy: never with the key, which is a secret.
 * @param {string} path
 */
export function shown(path) {
  return new URL(path, HUB).href;
}

/**
 * @param {string} name
 * @param {string} [rest] such as `/snapshot.jpg`
 */
export function streamPath(name, rest = '') {
  return `stream/${encodeURIComponent(name)}${rest}`;
}
