// Plain HTTP questions to the hub, and what to tell a person when the answer is no.

/** How long the hub may take to answer a small question before we call it silent. */
const PATIENCE_MS = 5000;
/** What is to be done on its disk may take longer. */
const PATIENCE_FOR_DEEDS_MS = 30_000;

/** A refusal by the hub (`status` > 0), or no answer at all (`status` 0). */
export class Refusal extends Error {
  /**
   * @param {number} status
   * @param {string} message whole sentence for people
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }

  /** Whether an API key is what is missing. */
  get needsKey() {
    return this.status === 401;
  }
}

/**
 * @param {string} url
 * @param {RequestInit} [request]
 * @returns {Promise<any>} the parsed JSON
 * @throws {Refusal}
 */
export async function askJson(url, request = {}) {
  const patience = request.method ? PATIENCE_FOR_DEEDS_MS : PATIENCE_MS;
  const response = await ask(url, AbortSignal.timeout(patience), request);
  try {
    return await response.json();
  } catch {
    throw new Refusal(response.status, 'The hub\'s answer is not JSON; is something else listening at this address?');
  }
}

/**
 * @param {string} url
 * @param {unknown} body
 * @returns {Promise<any>} the parsed JSON
 * @throws {Refusal}
 */
export function postJson(url, body) {
  return askJson(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
}

/**
 * @param {string} url
 * @param {AbortSignal} signal
 * @param {RequestInit} [request]
 * @returns {Promise<Response>} a 2xx or 304 answer
 * @throws {Refusal} also for an abort, with status 0
 */
export async function ask(url, signal, request = {}) {
  let response;
  try {
    response = await fetch(url, { cache: 'no-store', ...request, signal });
  } catch {
    throw new Refusal(0, navigator.onLine ? 'The hub does not answer.' : 'This device is offline.');
  }
  if (response.ok || response.status === 304) return response;
  throw await refusalOf(response);
}

/**
 * Says what a refusing answer means, in the hub's own words where it sent any.
 * @param {Response} response
 */
async function refusalOf(response) {
  let said = '';
  try {
    const body = await response.json();
    if (typeof body.error === 'string') said = body.error;
  } catch {
    // An answer without JSON comes from a proxy in between; its status has to do.
  }
  if (said && !/[.!?]$/.test(said)) said += '.';
  if (response.status === 401) {
    return new Refusal(401, /\bkey\b/i.test(said) ? said : `This hub needs an API key. ${said}`.trim());
  }
  return new Refusal(response.status, said || `The hub answered ${`${response.status} ${response.statusText}`.trim()}.`);
}
