/** The package brings no types, and a bench needs no more than this. */
declare module 'html-to-text' {
  export function htmlToText(html: string): string
}
