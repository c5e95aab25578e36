/**
 * What mail programs and webmail make of an answer in HTML (7.5), as far as it differs in its tags: a line each, beyond
 * the fixtures. Through the sanitiser, as in the pipeline.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { sanitise } from '../../../src/html.ts'
import { extractReply } from '../../../src/mail/reply-text.ts'

const ANSWER = 'Solved, it works.'
const Q = '<p>Is it working now?</p><p>Please tell us.</p>'

const CLIENTS: Record<string, string> = {
  gmail: `<div dir="ltr">Solved, it works.</div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">On Mon, Sep 23, 2026 at 10:00 AM Desk &lt;<a href="mailto:support@desk.example">support@desk.example</a>&gt; wrote:<br></div><blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex">${Q}</blockquote></div>`,
  gmailOld: `<div dir="ltr">Solved, it works.</div><div class="gmail_extra"><br><div class="gmail_quote">On Mon, Sep 23, 2026 at 10:00 AM, Desk <span dir="ltr">&lt;<a>support@desk.example</a>&gt;</span> wrote:<br><blockquote class="gmail_quote">${Q}</blockquote></div><br></div>`,
  apple: `<html><body>Solved, it works.<br><div><br><blockquote type="cite"><div>On 23 Sep 2026, at 10:00, Desk &lt;support@desk.example&gt; wrote:</div><br class="Apple-interchange-newline"><div>${Q}</div></blockquote></div><br></body></html>`,
  iphone: `<html><body dir="auto">Solved, it works.<br id="lineBreakAtBeginningOfSignature"><div dir="ltr">Sent from my iPhone</div><div dir="ltr"><br><blockquote type="cite">On 23 Sep 2026, at 10:00, Desk &lt;support@desk.example&gt; wrote:<br><br></blockquote></div><blockquote type="cite"><div dir="ltr">${Q}</div></blockquote></body></html>`,
  outlookDesktop: `<div class=WordSection1><p class=MsoNormal>Solved, it works.</p><p class=MsoNormal>&nbsp;</p><div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal><b>From:</b> Desk &lt;support@desk.example&gt; <br><b>Sent:</b> Monday, September 23, 2026 10:00 AM<br><b>To:</b> Ada &lt;ada@acme.example&gt;<br><b>Subject:</b> x</p></div></div>${Q}</div>`,
  outlook2013de: `<div class=WordSection1><p class=MsoNormal>Solved, it works.<o:p></o:p></p><p class=MsoNormal><b>Von:</b> Desk [mailto:support@desk.example] <br><b>Gesendet:</b> Montag, 23. September 2026 10:00<br><b>An:</b> Ada<br><b>Betreff:</b> x<o:p></o:p></p>${Q}</div>`,
  owa: `<div dir="ltr"><p>Solved, it works.</p></div><hr tabindex="-1" style="display:inline-block; width:98%"><div id="divRplyFwdMsg" dir="ltr"><font face="Calibri"><b>From:</b> Desk &lt;support@desk.example&gt;<br><b>Sent:</b> Monday<br><b>To:</b> Ada<br><b>Subject:</b> x</font><div>&nbsp;</div></div><div>${Q}</div>`,
  newOutlook: `<div class="elementToProof">Solved, it works.</div><div id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1"><div id="divRplyFwdMsg" dir="ltr"><b>From:</b> Desk</div><div>${Q}</div>`,
  newOutlook2: `<div>Solved, it works.</div><div id="mail-editor-reference-message-container"><div class="ms-outlook-mobile-reference-message skipProofing" style="padding: 3pt 0in 0in; border-width: 1pt medium medium; border-style: solid none none; border-color: rgb(181, 196, 223) currentcolor currentcolor;"><b>From: </b>Desk<br><b>Date: </b>Monday</div>${Q}</div>`,
  outlookIos: `<div dir="auto">Solved, it works.</div><div id="ms-outlook-mobile-signature"><div>Get <a href="https://aka.ms/o0ukef">Outlook for iOS</a></div></div><hr style="display:inline-block;width:98%"><div id="divRplyFwdMsg"><b>From:</b> Desk<br><b>Sent:</b> Monday</div>${Q}`,
  outlookMac: `<html><body><div>Solved, it works.</div><span id="OLK_SRC_BODY_SECTION"><div style="border-top:#b5c4df 1pt solid"><span>From: </span> Desk<br><span>Date: </span> Monday</div>${Q}</span></body></html>`,
  thunderbird: `<p>Solved, it works.</p><div class="moz-cite-prefix">On 9/23/26 10:00, Desk wrote:<br></div><blockquote type="cite" cite="mid:x@desk.example">${Q}</blockquote>`,
  thunderbirdDe: `<p>Solved, it works.</p><div class="moz-cite-prefix">Am 23.09.26 um 10:00 schrieb Desk:<br></div><blockquote type="cite" cite="mid:x">${Q}</blockquote><pre class="moz-signature" cols="72">-- \nMara</pre>`,
  yahoo: `<div class="ydp1yahoo-style-wrap"><div dir="ltr">Solved, it works.</div><div><br></div></div><div id="ydpyahoo_quoted_1" class="ydpyahoo_quoted"><div><div>On Monday, September 23, 2026, 10:00:00 AM GMT+2, Desk &lt;support@desk.example&gt; wrote: </div><div>${Q}</div></div></div>`,
  yahooAndroid: `Solved, it works.<br><br><div id="ymail_android_signature"><a href="x">Sent from Yahoo Mail on Android</a></div> <br> <blockquote style="margin: 0 0 20px 0;"> <div style="font-family:Roboto"> <div>On Mon, Sep 23, 2026 at 10:00, Desk</div><div>&lt;support@desk.example&gt; wrote:</div> </div> <div style="padding: 10px 0 0 20px; border-left: 1px solid #6D00F6;">${Q}</div></blockquote>`,
  proton: `<div>Solved, it works.</div><div class="protonmail_signature_block"><div class="protonmail_signature_block-proton">Sent with <a href="x">Proton Mail</a> secure email.</div></div><div class="protonmail_quote">On Monday, September 23rd, 2026 at 10:00, Desk &lt;support@desk.example&gt; wrote:<br><blockquote class="protonmail_quote" type="cite">${Q}</blockquote></div>`,
  mailru: `<div>Solved, it works.</div><blockquote style="border-left:1px solid #0857A6;margin:10px;padding:0 0 0 10px">Понедельник, 23 сентября 2026, 10:00 +03:00 от Desk &lt;<a>support@desk.example</a>&gt;:<br>&nbsp;<div>${Q}</div></blockquote>`,
  mailruCollapse: `<div>Solved, it works.</div><div class="mail-quote-collapse"><blockquote>Понедельник, 23 сентября 2026, 10:00 +03:00 от Desk &lt;support@desk.example&gt;:<div>${Q}</div></blockquote></div>`,
  yandex: `<div>Solved, it works.</div><div>&nbsp;</div><div>23.09.2026, 10:00, "Desk" &lt;support@desk.example&gt;:</div><blockquote>${Q}</blockquote>`,
  yandexNew: `<div>Solved, it works.</div><div>----------------</div><div>Кому: Ada (ada@acme.example);</div><div>Тема: x;</div><div>23.09.2026, 10:00, "Desk" &lt;support@desk.example&gt;:</div><blockquote>${Q}</blockquote>`,
  windowsMail: `<div>Solved, it works.</div><div style="padding-top: 5px; border-top-color: rgb(229, 229, 229); border-top-width: 1px; border-top-style: solid;"><div><b>From:</b> Desk<br><b>Sent:</b> Monday</div></div>${Q}`,
  hotmail: `<div dir="ltr">Solved, it works.<br><br><div><hr id="stopSpelling">Date: Mon, 23 Sep 2026<br>From: support@desk.example<br>To: ada@acme.example<br>Subject: x<br><br>${Q}</div></div>`,
  samsung: `<html><body><div>Solved, it works.</div><div id="composer_signature"><div>Von meinem Samsung Gerät gesendet.</div></div><div style="font-size:100%"><div>-------- Ursprüngliche Nachricht --------</div><div>Von: Desk &lt;support@desk.example&gt; </div><div>Datum: 23.09.26 10:00 (GMT+01:00) </div><div>An: ada@acme.example </div><div>Betreff: x </div><div><br></div></div>${Q}</body></html>`,
  zimbra: `<div>Solved, it works.</div><hr id="zwchr" data-marker="__DIVIDER__"><div data-marker="__HEADERS__"><b>From: </b>"Desk" &lt;support@desk.example&gt;<br><b>To: </b>"Ada"<br><b>Sent: </b>Monday<br><b>Subject: </b>x<br></div><br><div data-marker="__QUOTED_TEXT__">${Q}</div>`,
  qq: `<div>Solved, it works.</div><div><br></div><div style="font-size: 12px;padding:2px 0;">------------------&nbsp;原始邮件&nbsp;------------------</div><div style="background:#efefef;"><div><b>发件人:</b>&nbsp;"Desk"&lt;support@desk.example&gt;;</div><div><b>发送时间:</b>&nbsp;2026年9月23日</div><div><b>收件人:</b>&nbsp;"Ada";</div><div><b>主题:</b>&nbsp;x</div></div>${Q}`,
  netease: `<div>Solved, it works.</div><br>At 2026-09-23 10:00:00, "Desk" &lt;support@desk.example&gt; wrote:<br> <blockquote id="isReplyContent" style="PADDING-LEFT: 1ex; BORDER-LEFT: #ccc 1px solid">${Q}</blockquote>`,
  gmx: `<html><body><div style="font-family: Verdana"><div>Solved, it works.</div><div>&nbsp;<div name="quote" style="margin:10px 5px 5px 10px; padding: 10px 0 10px 10px; border-left:2px solid #C3D9E5;"><div style="margin:0 0 10px 0;"><b>Gesendet:</b>&nbsp;Montag, 23. September 2026 um 10:00 Uhr<br><b>Von:</b>&nbsp;Desk &lt;support@desk.example&gt;<br><b>An:</b>&nbsp;ada@acme.example<br><b>Betreff:</b>&nbsp;x</div>${Q}</div></div></div></body></html>`,
  hey: `<div class="trix-content"><div>Solved, it works.</div></div><br><br>On September 23, 2026, Desk &lt;support@desk.example&gt; wrote:<br><blockquote>${Q}</blockquote>`,
  front: `<div>Solved, it works.</div><blockquote type="cite" class="front-blockquote"><div>On Sep 23, 2026, 10:00 AM +0200, Desk &lt;support@desk.example&gt;, wrote:</div>${Q}</blockquote>`,
  spark: `<div name="messageBodySection">Solved, it works.</div><div name="messageReplySection">On Sep 23, 2026, 10:00 +0200, Desk &lt;support@desk.example&gt;, wrote:<br><blockquote type="cite" style="border-left-color: grey; border-left-width: thin; border-left-style: solid; margin: 5px 5px;padding-left: 10px;">${Q}</blockquote></div>`,
  zoho: `<div><div>Solved, it works.</div><div class="zmail_extra_hr" style="border-top: 1px solid rgb(204, 204, 204); height: 0px;"></div><div class="zmail_extra" data-zbluepencil-ignore="true"><div id="Zm-_Id_-Sgn1">---- On Mon, 23 Sep 2026 10:00:00 +0200 <b>Desk &lt;support@desk.example&gt;</b> wrote ---<br></div><blockquote id="blockquote_zmail">${Q}</blockquote></div></div>`,
  roundcube: `<p>Solved, it works.</p><p>Am 2026-09-23 10:00, schrieb Desk:</p><blockquote type="cite" style="padding: 0 0.4em; border-left: #1010ff 2px solid; margin: 0"><div>${Q}</div></blockquote>`,
  roundcubeReply: `<p>Solved, it works.</p><p id="reply-intro">On 2026-09-23 10:00, Desk wrote:</p><blockquote type="cite">${Q}</blockquote>`,
  ox: `<div>Solved, it works.</div><blockquote type="cite"><div>Desk &lt;support@desk.example&gt; hat am 23.09.2026 10:00 CEST geschrieben:</div><div>${Q}</div></blockquote>`,
  notes: `<font size=2>Solved, it works.</font><br><br><br><table width=100%><tr><td><font size=1>From: &nbsp; &nbsp;</font><td>Desk &lt;support@desk.example&gt;<tr><td>To: &nbsp;<td>Ada<tr><td>Date: <td>23.09.2026 10:00<tr><td>Subject: <td>x</table><hr noshade>${Q}`,
  notesVerse: `<div>Solved, it works.</div><br><font color="#990099">-----Desk &lt;support@desk.example&gt; wrote: -----</font><div style="padding-left:5px;"><div style="padding-right:0px;padding-left:5px;border-left:solid black 2px">To: ada@acme.example<br>From: Desk &lt;support@desk.example&gt;<br>Date: 09/23/2026 10:00AM<br>Subject: x<br><br>${Q}</div></div>`,
  tutanota: `<div>Solved, it works.</div><div>23. Sept. 2026, 10:00 von support@desk.example:</div><blockquote class="tutanota_quote" style="border-left: 1px solid #93A3B8; padding-left: 10px; margin-left: 5px;">${Q}</blockquote>`,
  fastmail: `<div>Solved, it works.<br></div><div><br></div><div>On Mon, Sep 23, 2026, at 10:00 AM, Desk wrote:<br></div><blockquote type="cite" id="qt" style="">${Q}</blockquote>`,
  missive: `<div>Solved, it works.</div><div><br></div><div class="missive_quote">On September 23, 2026 at 10:00 AM, Desk (support@desk.example) wrote:<br><blockquote type="cite">${Q}</blockquote></div>`,
  superhuman: `<div>Solved, it works.</div><br><div class="gmail_quote">On Mon, Sep 23, 2026 at 10:00 AM, Desk <span dir="ltr">&lt;support@desk.example&gt;</span> wrote:<br><blockquote class="gmail_quote">${Q}</blockquote></div>`,
  edison: `<div>Solved, it works.</div><div class="edo-quote"><hr>On Sep 23, 2026 at 10:00 AM, &lt;<a>Desk</a>&gt; wrote:<br><blockquote type="cite">${Q}</blockquote></div>`,
  bluemail: `<div>Solved, it works.</div><div class="replyHeader">On Sep 23, 2026, at 10:00, Desk &lt;<a>support@desk.example</a>&gt; wrote:</div><br><blockquote class="gmail_quote">${Q}</blockquote>`,
  k9: `<html><body>Solved, it works.<br><br><div class="gmail_quote">Am 23. September 2026 10:00:00 MESZ schrieb Desk &lt;support@desk.example&gt;:<blockquote class="gmail_quote">${Q}</blockquote></div></body></html>`,
  airmail: `<div id="bloop_customfont">Solved, it works.</div><p class="airmail_on">On September 23, 2026 at 10:00:00, Desk (<a>support@desk.example</a>) wrote:</p> <blockquote type="cite" class="clean_bq">${Q}</blockquote>`,
  mailspring: `<div>Solved, it works.</div><div class="gmail_quote_attribution">On Sep 23 2026, at 10:00 am, Desk &lt;support@desk.example&gt; wrote:</div><blockquote>${Q}</blockquote>`,
  icloud: `<div>Solved, it works.</div><div><br><blockquote type="cite"><div>On Sep 23, 2026, at 10:00 AM, Desk &lt;support@desk.example&gt; wrote:<br><br></div>${Q}</blockquote></div>`,
  aol: `<div>Solved, it works.</div><div>-----Original Message-----<br>From: Desk &lt;support@desk.example&gt;<br>To: ada@acme.example<br>Sent: Mon, Sep 23, 2026 10:00 am<br>Subject: x<br><br><div id="yiv1">${Q}</div></div>`,
  naver: `<p>Solved, it works.</p><div class="original_message"><p>-----Original Message-----<br><b>From:</b> "Desk"&lt;support@desk.example&gt;<br><b>To:</b> ada@acme.example<br><b>Sent:</b> 2026-09-23 (월) 10:00<br><b>Subject:</b> x</p>${Q}</div>`,
  laposte: `<div>Solved, it works.</div><blockquote>De : "Desk" &lt;support@desk.example&gt;<br>A : ada@acme.example<br>Envoyé: lundi 23 septembre 2026<br>Objet : x<br><br>${Q}</blockquote>`,
  evolution: `<div>Solved, it works.</div><div><br></div><div>On Mon, 2026-09-23 at 10:00 +0200, Desk wrote:</div><blockquote type="cite" style="margin:0 0 0 .8ex; border-left:2px #729fcf solid;padding-left:1ex">${Q}</blockquote>`,
  mimestream: `<div>Solved, it works.</div><br><div><div class="gmail_quote"><div dir="ltr" class="gmail_attr">On September 23, 2026 at 10:00:00, Desk (support@desk.example) wrote:</div><blockquote class="gmail_quote">${Q}</blockquote></div></div>`,
}
for (const [name, html] of Object.entries(CLIENTS)) {
  test(`client: ${name}`, () => {
    const clean = sanitise(html)
    const text = clean.text()
    const found = extractReply({ text, html: clean.html })
    assert.is(found.visible.replace(/\s+/g, ' ').trim(), ANSWER)
    assert.is(found.ranges.map(({ from, to }) => text.slice(from, to)).join(''), text)
  })
}

test('the same tags around what a person wrote themselves fold nothing', () => {
  for (const html of [
    `<p>See the rule:</p><blockquote>${Q}</blockquote><p>So it must work.</p>`,
    `<p>One</p><hr><p>Two parts of one answer</p>`,
    `<div style="border-top:1px solid red">A table of mine with a line above</div>`,
    `<p>From: the left side</p><p>To: the right side</p>${Q}`,
  ]) {
    const clean = sanitise(html)
    const text = clean.text()
    assert.is(extractReply({ text, html: clean.html }).visible, text)
  }
})

test.run()
