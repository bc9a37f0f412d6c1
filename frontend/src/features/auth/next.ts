/**
 * Where someone wanted to go before signing in: a path of ours, or the start. Anything that could lead elsewhere
 * ("//host", "/\host", a scheme) is the start, because this parameter can be written by anyone who sends a link.
 */
export function safeNext(wanted: unknown): string {
  if (typeof wanted !== "string" || !wanted.startsWith("/")) return "/";
  let url: URL;
  try {
    url = new URL(wanted, location.origin);
  } catch {
    return "/";
  }
  if (url.origin !== location.origin) return "/";
  const isEntrance = /^\/(login|register|forgot|reset|invite|setup)(\/|$)/.test(url.pathname);
  // "/.//host" is ours as it was written; without its dot segment it is somebody else's.
  const isElsewhere = url.pathname.startsWith("//") || url.pathname.startsWith("/api/");
  return isEntrance || isElsewhere ? "/" : url.pathname + url.search + url.hash;
}
