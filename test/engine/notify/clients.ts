/** How fourteen mail clients quote what they answer: enough of each to look like it, with the whole mail in it. */

export type Quoted = { subject: string; text: string; html: string }

/** The body of the answer; with `html` it is multipart/alternative, without `text` HTML alone. */
export type Body = { text: string | null; html: string | null }

type Client = (mail: Quoted, own: string) => Body

const plain = (text: string): Body => ({ text, html: null })
const marked = (text: string, mark = '> ') =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => `${mark}${line}`.trimEnd())
    .join('\n')
const bodyOf = (html: string) => /<body>([\s\S]*)<\/body>/.exec(html)?.[1] ?? html
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const lines = (text: string) => escaped(text).replaceAll('\n', '<br>\n')
/** As clients wrap what they quote: the words of a long line begin new ones. */
const wrapped = (text: string, width = 40) => text.replace(new RegExp(`(.{1,${width}})(?: |$)`, 'gm'), '$1\n')

const DESK = 'Desk Support <support@desk.example>'

export const CLIENTS: Record<string, Client> = {
  'mutt, below the quotation': (mail, own) =>
    plain(`On Mon, Nov 23, 2026 at 09:30:00AM +0100, Desk Support wrote:\n${marked(mail.text)}\n\n${own}`),
  thunderbird: (mail, own) => ({
    text: `${own}\n\nOn 23/11/2026 09:30, Desk Support wrote:\n${marked(mail.text)}`,
    html: `<html><body><p>${lines(own)}</p><div class="moz-cite-prefix">On 23/11/2026 09:30, Desk Support wrote:<br></div>
<blockquote type="cite" cite="mid:x@desk.example">${bodyOf(mail.html)}</blockquote></body></html>`,
  }),
  gmail: (mail, own) => ({
    text: `${own}\n\nOn Mon, Nov 23, 2026 at 9:30 AM Desk Support <support@desk.example>\nwrote:\n\n${marked(wrapped(mail.text))}`,
    html: `<div dir="ltr">${lines(own)}</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">On Mon, Nov 23, 2026 at 9:30 AM Desk Support &lt;<a href="mailto:support@desk.example">support@desk.example</a>&gt; wrote:<br></div><blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex">${bodyOf(mail.html)}</blockquote></div>`,
  }),
  'apple mail': (mail, own) => ({
    text: `${own}\n\n> On 23. Nov 2026, at 09:30, ${DESK} wrote:\n> \n${marked(mail.text)}`,
    html: `<html><body>${lines(own)}<br><div><br><blockquote type="cite"><div>On 23. Nov 2026, at 09:30, Desk Support &lt;support@desk.example&gt; wrote:</div><br><div>${bodyOf(mail.html)}</div></blockquote></div></body></html>`,
  }),
  'outlook, plain text': (mail, own) =>
    plain(
      `${own}\n\n-----Original Message-----\nFrom: ${DESK} \nSent: Monday, November 23, 2026 9:30 AM\nTo: Bo <bo@desk.example>\nSubject: ${mail.subject}\n\n${wrapped(mail.text, 72)}`,
    ),
  'outlook, html': (mail, own) => ({
    text: null,
    html: `<html><body><div class="WordSection1"><p class="MsoNormal">${lines(own)}<o:p></o:p></p><div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p class="MsoNormal"><b>From:</b> ${escaped(DESK)} <br><b>Sent:</b> Monday, November 23, 2026 9:30 AM<br><b>To:</b> Bo &lt;bo@desk.example&gt;<br><b>Subject:</b> ${escaped(mail.subject)}<o:p></o:p></p></div></div>${bodyOf(mail.html)}</div></body></html>`,
  }),
  'outlook on the web': (mail, own) => ({
    text: `${own}\n________________________________\nFrom: ${DESK}\nSent: Monday, November 23, 2026 9:30:00 AM\nTo: Bo <bo@desk.example>\nSubject: ${mail.subject}\n\n${mail.text}`,
    html: `<html><body><div>${lines(own)}</div><div id="appendonsend"></div><hr style="display:inline-block;width:98%"><div id="divRplyFwdMsg" dir="ltr"><b>From:</b> ${escaped(DESK)}<br><b>Sent:</b> Monday, November 23, 2026 9:30:00 AM<br><b>To:</b> Bo<br><b>Subject:</b> ${escaped(mail.subject)}</div>${bodyOf(mail.html)}</body></html>`,
  }),
  'outlook in German': (mail, own) =>
    plain(
      `${own}\n\nVon: ${DESK} \nGesendet: Montag, 23. November 2026 09:30\nAn: Bo <bo@desk.example>\nBetreff: ${mail.subject}\n\n${mail.text}`,
    ),
  'outlook for ios': (mail, own) =>
    plain(
      `${own}\n\nGet Outlook for iOS<https://aka.ms/o0ukef>\n________________________________\nFrom: ${DESK}\nSent: Monday, November 23, 2026 9:30:00 AM\nTo: Bo <bo@desk.example>\nSubject: ${mail.subject}\n\n${mail.text}`,
    ),
  yahoo: (mail, own) =>
    plain(
      `${own}\n    On Monday, November 23, 2026 at 09:30:00 AM GMT+1, ${DESK} wrote:  \n \n ${mail.text.replaceAll('\n', '\n ')}`,
    ),
  'k-9 mail': (mail, own) =>
    plain(`${own}\n\nAm 23. November 2026 09:30:00 MEZ schrieb ${DESK}:\n${marked(mail.text, '>')}`),
  'mail.ru': (mail, own) =>
    plain(`${own}\n\nПонедельник, 23 ноября 2026, 9:30 +01:00 от ${DESK}:\n${marked(mail.text)}`),
  'lotus notes': (mail, own) =>
    plain(
      `${own}\n\n\n\nFrom:   "Desk Support" <support@desk.example>\nTo:     "Bo" <bo@desk.example>\nDate:   23/11/2026 09:30\nSubject:        ${mail.subject}\n\n\n\n${mail.text}`,
    ),
  'a client that marks nothing, above own words': (mail, own) => plain(`${mail.text}\n${own}`),
  'a client that marks nothing, and nothing else': (mail) => plain(mail.text),
}

let written = 0

/** The whole mail as such a client sends it. */
export function composed(given: { from: string; to: string; subject: string; date: string; body: Body }): string {
  const head = [
    `From: ${given.from}`,
    `To: ${given.to}`,
    `Subject: Re: ${given.subject.replace(/[^\x20-\x7e]/g, '?')}`,
    `Date: ${given.date}`,
    `Message-ID: <client${++written}.${process.pid}@desk.example>`,
    'MIME-Version: 1.0',
  ]
  const part = (type: string, text: string) =>
    `Content-Type: ${type}; charset=utf-8\nContent-Transfer-Encoding: base64\n\n${Buffer.from(text)
      .toString('base64')
      .replace(/(.{76})/g, '$1\n')}\n`
  const { text, html } = given.body
  if (text === null || html === null)
    return `${head.join('\n')}\n${html === null ? part('text/plain', text ?? '') : part('text/html', html)}`
  return `${head.join('\n')}\nContent-Type: multipart/alternative; boundary=b\n\n--b\n${part('text/plain', text)}--b\n${part('text/html', html)}--b--\n`
}
