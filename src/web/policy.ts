/** What a page of the desk may do: style and pictures of its own, forms to itself, and nothing that is not named here. */

const RULES = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self' data:",
  "form-action 'self'",
  "frame-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
]

/** Of every page that has no policy of its own: no script at all. */
export const CONTENT_POLICY = RULES.join('; ')

/**
 * Of a page that refreshes itself: our own script files, asking us alone. What people sent cannot become one of them,
 * because downloads name a type that is no script and forbid browsers to guess another.
 */
export const LIVE_POLICY = [...RULES, "script-src 'self'", "connect-src 'self'"].join('; ')
