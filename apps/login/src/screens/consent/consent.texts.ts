import { translated } from '../../texts.ts'

export const texts = translated(
  {
    title: (client: string) => `Let ${client} in?`,
    anApplication: 'this application',
    as: (who: string, account: string) => `You are logged in as ${who}, in the account ${account}.`,
    beside: (client: string, application: string) => `${client} is another program that works with ${application}.`,
    sees: (client: string) => `If you agree, ${client} will:`,
    profile: 'see your name, email address, phone number and picture',
    account: 'see your account, your roles and your permissions in it',
    acts: 'do in your name what you may do there, as long as this login lasts',
    agree: 'Agree',
    refuse: 'Do not agree',
    agreed: 'You have agreed',
    refused: 'You have not agreed',
  },
  {
    title: (client: string) => `Zugang für ${client}?`,
    anApplication: 'diese Anwendung',
    as: (who: string, account: string) => `Sie sind als ${who} im Konto ${account} angemeldet.`,
    beside: (client: string, application: string) =>
      `${client} ist ein anderes Programm, das mit ${application} arbeitet.`,
    sees: (client: string) => `Wenn Sie zustimmen, kann ${client}:`,
    profile: 'Ihren Namen, Ihre E-Mail-Adresse, Ihre Telefonnummer und Ihr Bild sehen',
    account: 'Ihr Konto, Ihre Rollen und Ihre Rechte darin sehen',
    acts: 'in Ihrem Namen tun, was Sie dort dürfen, solange diese Anmeldung gilt',
    agree: 'Zustimmen',
    refuse: 'Nicht zustimmen',
    agreed: 'Sie haben zugestimmt',
    refused: 'Sie haben nicht zugestimmt',
  },
)
