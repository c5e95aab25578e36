/** Values as receipts say them: times in the reader's zone and language, tickets, lengths. Pure. */
import { seconds } from '../../time.ts'
import { dueText, lengthText } from '../due-words.ts'

type Reader = { locale: string; zone: string }

export const momentText = (at: Date, reader: Reader): string =>
  dueText({ at: seconds(at), zone: reader.zone, locale: reader.locale })

export const lengthOf = (length: number, reader: Reader): string => lengthText(length, reader.locale)

export const numbered = (ticketId: number): string => `#${ticketId}`
