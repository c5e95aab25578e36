/** Domains of public mail providers: a sender there says nothing about a company (6.23). `settings.public_domains` adds more. */
export const PUBLIC_DOMAINS: readonly string[] = `
  gmail.com googlemail.com google.com outlook.com outlook.de outlook.fr outlook.es outlook.it outlook.jp outlook.com.br
  hotmail.com hotmail.co.uk hotmail.de hotmail.fr hotmail.es hotmail.it hotmail.com.br hotmail.be hotmail.nl live.com
  live.co.uk live.de live.fr live.nl live.it live.com.mx live.se live.dk live.no msn.com passport.com windowslive.com
  yahoo.com yahoo.co.uk yahoo.de yahoo.fr yahoo.es yahoo.it yahoo.co.jp yahoo.co.in yahoo.in yahoo.ca yahoo.com.br
  yahoo.com.mx yahoo.com.ar yahoo.com.au yahoo.pl yahoo.ro yahoo.gr yahoo.com.tr yahoo.com.hk yahoo.com.tw ymail.com
  rocketmail.com myyahoo.com aol.com aol.de aol.co.uk aim.com icloud.com me.com mac.com gmx.de gmx.net gmx.at gmx.ch
  gmx.com gmx.fr gmx.co.uk web.de t-online.de magenta.de freenet.de arcor.de mail.de email.de posteo.de posteo.net
  mailbox.org vodafone.de unitybox.de online.de kabelmail.de 1und1.de tutanota.com tutanota.de tuta.com tuta.io
  tutamail.com keemail.me proton.me protonmail.com protonmail.ch pm.me mail.com email.com usa.com zoho.com zohomail.com
  zohomail.eu fastmail.com fastmail.fm hey.com hushmail.com runbox.com disroot.org riseup.net startmail.com
  mailfence.com ctemplar.com inbox.com inbox.lv inbox.eu yandex.ru yandex.com yandex.ua yandex.by yandex.kz ya.ru
  mail.ru bk.ru inbox.ru list.ru internet.ru rambler.ru lenta.ru autorambler.ru myrambler.ru ro.ru ukr.net i.ua
  meta.ua bigmir.net email.ua online.ua wp.pl o2.pl onet.pl onet.eu poczta.onet.pl op.pl vp.pl interia.pl interia.eu
  poczta.fm gazeta.pl tlen.pl go2.pl buziaczek.pl seznam.cz email.cz post.cz centrum.cz volny.cz atlas.cz azet.sk
  centrum.sk zoznam.sk post.sk abv.bg mail.bg freemail.hu citromail.hu indamail.hu orange.fr wanadoo.fr free.fr sfr.fr
  laposte.net neuf.fr bbox.fr libero.it virgilio.it tiscali.it alice.it tin.it iol.it telefonica.net terra.com
  terra.com.br uol.com.br bol.com.br ig.com.br sapo.pt telenet.be skynet.be ziggo.nl kpnmail.nl kpnplanet.nl planet.nl
  xs4all.nl hetnet.nl home.nl bluewin.ch hispeed.ch chello.at a1.net aon.at btinternet.com btopenworld.com sky.com
  virginmedia.com ntlworld.com talktalk.net blueyonder.co.uk comcast.net verizon.net att.net sbcglobal.net
  bellsouth.net cox.net charter.net earthlink.net juno.com netzero.net optonline.net rogers.com shaw.ca sympatico.ca
  telus.net bigpond.com optusnet.com.au xtra.co.nz qq.com vip.qq.com foxmail.com 163.com 126.com yeah.net sina.com
  sina.cn sohu.com 139.com 189.cn aliyun.com naver.com hanmail.net daum.net rediffmail.com docomo.ne.jp ezweb.ne.jp
  softbank.ne.jp nifty.com telia.com online.no broadpark.no mail.dk jubii.dk luukku.com suomi24.fi simplelogin.com
  duck.com privaterelay.appleid.com mozmail.com
`
  .trim()
  .split(/\s+/)
