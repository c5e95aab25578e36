/**
 * Bounces that are no multipart/report, by what mail servers write (4a.1): the subject, or a sentence of the text. None
 * of it counts by itself: who sends such a mail is a mail server, or says so with the null sender.
 */

/** Mail servers' own boxes; `MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e` writes for Exchange Online. */
const DAEMON = /^(?:mail[-_.]?(?:er)?[-_.]?daemon|microsoftexchange[0-9a-f]{32})$/

/** People write from this one too (4a.2). */
const POSTMASTER = /^(?:post[-_]?master|administrator|imss)$/

export type BounceSender = 'daemon' | 'postmaster' | 'nobody'

/** How sure the sender makes it. `local`: of From, in lower case. */
export function bounceSender(local: string, nullSender: boolean): BounceSender {
  if (DAEMON.test(local)) return 'daemon'
  if (POSTMASTER.test(local)) return nullSender ? 'daemon' : 'postmaster'
  return nullSender ? 'postmaster' : 'nobody'
}

/** The words of a bounce in a subject or text, null where there are none. Texts: the first 4,000 characters are read. */
export function bounceWords(sender: BounceSender, mail: { subject: string; text: string }): string | null {
  if (sender === 'nobody') return null
  const subject = SUBJECT.exec(mail.subject.slice(0, 200).toLowerCase())?.[0]
  if (subject) return subject.trim()
  const start = `${mail.subject.slice(0, 200)} ${mail.text.slice(0, 4000)}`.toLowerCase().replace(/\s+/g, ' ')
  const said = SAID.exec(start)?.[0] ?? null
  return said === null && sender === 'daemon' ? (HINTED.exec(start)?.[0] ?? null) : said
}

/**
 * How a subject begins: Postfix, Exim, sendmail, qmail, Gmail, Sun and Oracle, Notes, MDaemon, GroupWise, Courier,
 * OpenSMTPD; then Exchange's prefix by language. An answer to a bounce begins with "Re:".
 */
const SUBJECT = new RegExp(
  `^(?:${[
    'undelivered mail returned to sender',
    'mail delivery (?:failed|failure|problem|system)',
    'mail could not be delivered',
    'mail (?:failure|system error)',
    'returned mail(?::| )',
    'failure notice$',
    'delivery (?:failure(?::|$)|failed$|status$|status notification|report$)',
    '(?:permanent|transient) delivery failure',
    'delivery notification: ?delivery has',
    'notice: mail delivery status',
    'warning: (?:could not send message|message \\S{1,60} (?:delayed|still undelivered))',
    'postmaster notify:',
    'message (?:undeliverable|status - undeliverable|frozen$|delayed$)',
    '(?:undeliverable|nondeliverable|undelivered) (?:mail|message)',
    'undeliverable ?:',
    'zustellungsfehler ?:',
    `(?:${[
      'unzustellbar|non remis|non distribuable|no se puede entregar|no entregable|non recapitabile|recapito non riuscito',
      'não é possível entregar|não entregue|onbestelbaar|kan inte levereras|ej levererat|kan ikke leveres|ikke leveret',
      'ikke levert|ei voi toimittaa|toimittaminen epäonnistui|nie można dostarczyć|niedostarczone|nelze doručit',
      'nedoručitelné|nedá sa doručiť|nedoručiteľné|kézbesíthetetlen|imposibil de livrat|nelivrabil',
      'не удается доставить|не удаётся доставить|недоставлено|не вдається доставити|недоставимо|teslim edilemedi',
      'δεν είναι δυνατή η παράδοση|לא ניתן למסירה|تعذر التسليم|无法送达|未送达|未傳遞|無法傳遞|配信不能|配信不可|배달되지 않음|배달할 수 없음',
    ].join('|')}) ?[:：]`,
    'недоставленное сообщение',
    'ihre (?:e-)?mail konnte nicht zugestellt werden',
    '系统退信|退信通知',
  ].join('|')})`,
  'u',
)

/** Sentences that only a mail server writes. */
const SAID = new RegExp(
  [
    'this is the (?:qmail-send|postfix|sendmail|[a-z0-9.-]{1,30} mail|dragonfly mail) (?:program|system|server|agent)\\b',
    'this is the mailer-daemon',
    'the mta program at \\S{1,100} was unable to deliver',
    'this is a delivery status notification from',
    'this message was created automatically by (?:the )?mail (?:delivery|system)',
    'delivery has failed to these recipients or groups',
    'delivery to the following recipients? (?:failed|has been delayed)',
    'your message did not reach some or all of the intended recipients',
    'did not reach the following recipient',
    'the following recipient(?:\\(s\\)|s) (?:could not be reached|cannot be reached|could not be delivered)',
    'the following address(?:\\(es\\)|es) (?:had (?:permanent|transient|delivery)|failed)',
    'had permanent fatal delivery errors',
    'transcript of (?:the )?session follows',
    'a message that you sent (?:could not be|has not yet been) delivered',
    "(?:i'm afraid i )?(?:wasn't|was not|were) (?:able|unable) to deliver (?:your|the) message to (?:one or more of|the following)",
    '(?:unable to|could not) deliver (?:your )?message to the following (?:address|recipient)',
    'an error (?:has )?occurred while (?:trying|attempting) to deliver',
    'your message (?:cannot|can not|could not) be delivered to the following recipients',
    '- failure reasons -',
    'fehler bei der nachrichtenzustellung an folgende empfänger',
    'ihre nachricht hat einige oder alle empfänger nicht erreicht',
    'échec de la remise pour les destinataires',
    'no se pudo entregar a estos destinatarios',
    'impossibile eseguire il recapito ai seguenti destinatari',
    'falha na entrega a estes destinatários',
    'bezorging aan (?:deze|de volgende) geadresseerden',
    'dostarczenie wiadomości do następujących adresatów',
    'leveransen misslyckades till följande mottagare',
    'сбой доставки следующим получателям',
    '次の受信者またはグループへの配信に失敗しました',
    '下列收件人或通讯组列表|传递到以下收件人|無法傳遞給這些收件者',
  ].join('|'),
  'u',
)

/** Words of which a person could write some; from a mail server they mean a bounce. */
const HINTED = new RegExp(
  [
    "(?:could|can|would|was) ?(?:not|n't) be (?:delivered|sent|reached)",
    "(?:couldn't|cannot|can't|could not) be (?:delivered|sent)",
    '(?:was|were|has been|is) (?:not delivered|undeliverable|returned to (?:you|the sender))',
    'not (?:able to be|yet been) delivered',
    'unable to deliver|failed to deliver|error delivering|trouble delivering|problem delivering|could not deliver',
    'deliver(?:y|ing) of (?:this|your|the) message (?:failed|has failed|is delayed)',
    'delivery (?:status notification|has failed|problems?|errors?)',
    'warning message only',
    'the group you tried to contact',
    'no valid recipients|user unknown|unknown user|mailbox (?:is )?(?:full|unavailable)|over quota',
    'message generated by the mail server',
    'konnten? nicht (?:zugestellt|übermittelt) werden|nicht zustellbar',
    "n'a pas pu être (?:remis|délivré|distribué)|no (?:ha podido|pudo|se pudo) (?:ser )?entrega|non è stato (?:possibile )?(?:recapita|consegna)",
    'não (?:pôde|foi possível) (?:ser )?entreg|kon(?:den)? niet worden (?:bezorgd|afgeleverd)|kunde inte levereras|kunne ikke leveres',
    'nie można (?:było )?dostarczyć|nie mogła zostać dostarczona|nelze doručit|nepodařilo (?:se )?doručit|kézbesíthet',
    'не может быть (?:отправлено|доставлено)|не удалось доставить|не доставлено|не може бути доставлен|teslim edilemedi',
    '失敗しました|配信でき|お届けでき|退信|被退回|无法投递|無法傳送|배달하지 못|전송되지 않',
  ].join('|'),
  'u',
)
