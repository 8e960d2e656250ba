/** The world's large free-mail providers, as of 2026. Kept by hand; disposable addresses are not on it. */
export const publicDomains: ReadonlySet<string> = new Set(
  `
  gmail.com googlemail.com
  outlook.com outlook.de outlook.fr outlook.es outlook.it outlook.jp outlook.com.br outlook.co.th outlook.in outlook.be outlook.dk outlook.pt outlook.sa
  hotmail.com hotmail.co.uk hotmail.fr hotmail.de hotmail.it hotmail.es hotmail.nl hotmail.be hotmail.ca hotmail.com.br hotmail.com.ar hotmail.co.jp hotmail.se hotmail.no hotmail.dk hotmail.fi
  live.com live.co.uk live.fr live.de live.it live.nl live.be live.ca live.com.au live.com.mx live.com.pt live.dk live.no live.se live.jp live.cn live.in
  msn.com windowslive.com passport.com
  yahoo.com yahoo.co.uk yahoo.co.in yahoo.in yahoo.co.jp yahoo.co.id yahoo.com.br yahoo.com.ar yahoo.com.mx yahoo.com.au yahoo.com.sg yahoo.com.hk yahoo.com.tw yahoo.com.ph yahoo.com.vn
  yahoo.com.tr yahoo.com.my yahoo.fr yahoo.de yahoo.it yahoo.es yahoo.ca yahoo.ie yahoo.gr yahoo.pl yahoo.ro yahoo.se yahoo.no yahoo.dk yahoo.cl yahoo.co yahoo.co.nz yahoo.co.kr yahoo.co.za
  ymail.com rocketmail.com myyahoo.com
  aol.com aol.co.uk aol.de aol.fr aim.com love.com ygm.com games.com wow.com verizon.net netscape.net
  icloud.com me.com mac.com
  proton.me protonmail.com protonmail.ch pm.me tutanota.com tutanota.de tutamail.com tuta.io tuta.com keemail.me
  fastmail.com fastmail.fm hey.com mailbox.org posteo.de posteo.net runbox.com disroot.org riseup.net startmail.com hushmail.com zohomail.com zohomail.eu
  gmx.com gmx.net gmx.de gmx.at gmx.ch gmx.us gmx.co.uk gmx.fr web.de mail.com email.com usa.com post.com europe.com asia.com dr.com consultant.com engineer.com myself.com email.de t-online.de
  freenet.de arcor.de
  yandex.com yandex.ru yandex.ua yandex.by yandex.kz ya.ru mail.ru bk.ru inbox.ru list.ru internet.ru rambler.ru lenta.ru autorambler.ru myrambler.ru ro.ru ukr.net i.ua meta.ua bigmir.net
  qq.com foxmail.com 163.com 126.com yeah.net sina.com sina.cn sohu.com aliyun.com 139.com 189.cn 21cn.com tom.com
  naver.com hanmail.net daum.net nate.com kakao.com
  docomo.ne.jp ezweb.ne.jp softbank.ne.jp i.softbank.jp nifty.com excite.co.jp
  rediff.com rediffmail.com indiatimes.com
  libero.it virgilio.it alice.it tin.it tiscali.it inwind.it iol.it email.it
  orange.fr wanadoo.fr free.fr laposte.net sfr.fr neuf.fr bbox.fr voila.fr aliceadsl.fr
  btinternet.com sky.com talktalk.net virginmedia.com ntlworld.com blueyonder.co.uk tiscali.co.uk
  wp.pl o2.pl onet.pl onet.eu op.pl interia.pl interia.eu gazeta.pl poczta.onet.pl tlen.pl
  seznam.cz email.cz centrum.cz atlas.cz post.cz centrum.sk azet.sk freemail.hu citromail.hu abv.bg mail.bg dir.bg
  uol.com.br bol.com.br terra.com.br ig.com.br globo.com globomail.com r7.com oi.com.br zipmail.com.br
  ziggo.nl home.nl planet.nl kpnmail.nl xs4all.nl telenet.be skynet.be bluewin.ch hispeed.ch sunrise.ch
  comcast.net att.net sbcglobal.net bellsouth.net cox.net charter.net earthlink.net juno.com netzero.net optonline.net frontier.com windstream.net roadrunner.com rr.com
  rogers.com shaw.ca sympatico.ca videotron.ca bell.net telus.net
  bigpond.com bigpond.net.au optusnet.com.au iinet.net.au xtra.co.nz
  walla.co.il walla.com netvision.net.il 012.net.il
  mynet.com lycos.com excite.com inbox.com inbox.lv inbox.lt mail.ee hot.ee online.no telia.com spray.se
`
    .trim()
    .split(/\s+/),
)
