import { translated } from '../../texts.ts'

export const texts = translated(
  {
    sent: 'Look into your mail',
    linkSent: (to: string) =>
      `If there is an account for ${to}, we have sent it a link that logs you in. Open it in this browser.`,
    codeTitle: 'Enter your code',
    codeSent: (to: string) => `If there is an account for ${to}, we have sent it a code.`,
    smsSent: (to: string) => `We have sent a code to ${to}.`,
    link: 'Log in with your link',
    linkText: 'With this button you log in. The link works once.',
    otherDevice: 'Open the link in the browser in which you asked for it',
    noPhone: 'We have no phone number for you. Log in another way',
    again: 'Ask for another code',
  },
  {
    sent: 'Sehen Sie in Ihr Postfach',
    linkSent: (to: string) =>
      `Wenn es ein Konto für ${to} gibt, haben wir einen Link dorthin geschickt, der Sie anmeldet. Öffnen Sie ihn in diesem Browser.`,
    codeTitle: 'Code eingeben',
    codeSent: (to: string) => `Wenn es ein Konto für ${to} gibt, haben wir einen Code dorthin geschickt.`,
    smsSent: (to: string) => `Wir haben einen Code an ${to} geschickt.`,
    link: 'Mit dem Link anmelden',
    linkText: 'Mit diesem Knopf melden Sie sich an. Der Link gilt einmal.',
    otherDevice: 'Öffnen Sie den Link in dem Browser, in dem Sie ihn angefordert haben',
    noPhone: 'Wir haben keine Telefonnummer von Ihnen. Melden Sie sich anders an',
    again: 'Einen neuen Code anfordern',
  },
)
