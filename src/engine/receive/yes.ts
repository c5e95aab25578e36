/** Whether somebody said yes, in the languages of the desk. Pure. */

/** An absence notice repeats a subject and an address, and may quote; it does not begin with yes. */
export const saysYes = (text: string): boolean => YES.test(text.slice(0, 100).normalize('NFC'))

const YES =
  /^[\s"'“„«>]*(?:yes|yep|ok|okay|confirm(?:ed)?|confirm-[a-z2-7]{26}|ja|oui|s[ií]|tak|так|да)(?![\p{L}\p{M}])/iu

/** Whether a yes is taken back in the same breath, or asks: then a person reads it. Nothing of it is a quotation. */
export const isPlainYes = (text: string): boolean => saysYes(text) && !/^\s*>/.test(text) && !BUT.test(text)

const BUT =
  /[?？]|(?<![\p{L}\p{M}])(?:but|however|except|not|aber|jedoch|außer|nicht|kein\p{L}{0,3}|mais|sauf|pas|pero|salvo|no|ale|oprócz|nie|але|однак|крім|не|но|однако|кроме)(?![\p{L}\p{M}])/iu
