// What the sample leads are made of. Nobody here exists: names are syllables and household things, every address is
// under a domain that is reserved for examples (RFC 2606), every phone number in the range kept for fiction.

export const firstSyllables = wordsOf(`
  Al Bri Cor Dal Em Fen Gal Hol Is Jor Kel Lor Mar Nel Or Pel Quin Ros Sel Tal Ul Ver Wil Xan Yor Zel
`)
export const lastSyllables = wordsOf('a an by dra en ette ia ik in is ko la mon na o ric sa ton vi wyn')
export const things = wordsOf(`
  Anchor Basket Button Candle Cobbler Drawer Feather Gutter Hammock Inkwell Jigsaw Kettle Ladder
  Lantern Marble Needle Orchard Pebble Quilt Ribbon Saddle Saucer Teapot Thimble Umbrella Velvet
  Waffle Whistle Yarn Zipper
`)

export const adjectives = wordsOf(`
  Amber Brisk Copper Dapper Eager Frosty Gentle Hazel Ivory Jolly Keen Lunar Mellow Nimble Opal Plucky
  Quiet Rustic Sunny Tidy Urban Velvet Witty Zesty
`)
export const trades = wordsOf(`
  Analytics Bakeries Bicycles Clinics Fabrics Fixtures Freight Gardens Instruments Kettles Lighting
  Logistics Orchards Paints Robotics Software Studios Timber Toys Travel
`)
export const legalForms = ['Ltd', 'GmbH', 'Inc.', 'S.A.', 'B.V.', '& Sons', 'AB', 'Oy']
export const freeMail = ['freemail.example', 'example.com', 'example.net', 'example.org']

export const titles = [
  'CEO',
  'Founder',
  'Co-Founder & CTO',
  'Chief Marketing Officer',
  'VP Sales',
  'Head of Growth',
  'Director of Operations',
  'Marketing Manager',
  'Product Manager',
  'Account Executive',
  'Software Engineer',
  'Office Assistant',
  'Intern',
  'Student',
  'Consultant',
]
export const countries = [
  'DE',
  'AT',
  'CH',
  'US',
  'GB',
  'FR',
  'NL',
  'SE',
  'FI',
  'JP',
  'EG',
  'IL',
  'BR',
  'Germany',
  'United States',
]
export const channels = ['newsletter', 'webinar', 'fair', 'referral', 'search', 'social']

/** The fields that a row may lack, or hold as null or as nothing. */
export const optionalFields = [
  'company',
  'title',
  'country',
  'employees',
  'score',
  'phone',
  'source',
  'message',
]

export const sizeBands = ['1-10', '11-50', '51-200', '201-1,000', '1,001+']
export const oddEmployees = [' 12 ', '1,200', 'n/a', '~300', '12 500', '2.5k', 'unknown', -1, 0, '١٢٠', true]
export const oddScores = [
  ' 12 ',
  ' 88',
  'n/a',
  'N/A',
  '-',
  '72%',
  '1,200',
  '9e1',
  '77.5',
  -5,
  250,
  99.9,
  '',
  null,
  'high',
]

export const brokenEmails = [
  '',
  ' ',
  'n/a',
  '-',
  'none',
  'unknown',
  'no e-mail given',
  'orla.teapot',
  'orla.teapot@',
  '@example.com',
  'orla@@example.com',
  'orla teapot@example.com',
  'orla.teapot(at)example.com',
  'orla.teapot@example',
  'orla@example.com, kell@example.com',
  'Orla Teapot <orla.teapot@example.org>',
  'mailto:orla@example.net',
  'orla.teapot@.example',
  'orla.teapot@kettle..example',
  0,
  ['orla.teapot@example.com'],
]

/** Names beyond ASCII, with the Latin spelling that their addresses use. */
export const oddNames = [
  { first: 'Zoe\u0308', last: 'Brûlée-Tasse', latin: 'zoe.tasse' }, // a combining diaeresis
  { first: 'Zoë', last: 'Brûlée-Tasse', latin: 'zoe.tasse2' }, // the same name, composed
  { first: 'Jo\u0301se\u0301', last: 'Azulejo', latin: 'jose.azulejo' },
  { first: 'L\u0336o\u0336u\u0336', last: 'Stri\u0301\u0323ke', latin: 'lou.strike' },
  { first: 'Øystein', last: 'Smørbrød', latin: 'oystein.smorbrod' },
  { first: 'Çağla', last: 'Şişe', latin: 'cagla.sise' },
  { first: 'İpek', last: 'Ilık', latin: 'ipek.ilik' }, // lower-casing İ gives two code points
  { first: 'Straße', last: 'Müßig', latin: 'strasse.muessig' },
  { first: 'ليلى', last: 'مثال', latin: 'layla.mithal' },
  { first: '\u202bسامي\u202c', last: 'إبريق', latin: 'sami.ibriq' },
  { first: 'דנה', last: 'דוגמה', latin: 'dana.dugma' },
  { first: '見本', last: '花子', latin: 'mihon.hanako' },
  { first: '样本', last: '茶壶', latin: 'yangben.chahu' },
  { first: '견본', last: '주전자', latin: 'gyeonbon.jujeonja' },
  { first: 'ＭＡＲＡ', last: 'ＫＥＴＴＬＥ', latin: 'mara.kettle' },
  { first: 'Проба', last: 'Чайник', latin: 'proba.chaynik' },
  { first: 'Δείγμα', last: 'Τσάι', latin: 'deigma.tsai' },
  { first: 'नमूना', last: 'केतली', latin: 'namuna.ketli' },
  { first: 'Nova 🚀', last: 'Rocket', latin: 'nova.rocket' },
  { first: '👩🏽‍💻', last: 'Coder', latin: 'coder' },
  { first: 'Pen\u200bny', last: 'Gap\u200dless', latin: 'penny.gapless' },
  { first: 'Mac\u00a0Neil', last: "O'Spoon", latin: "mac.o'spoon" },
]

export const invisible = ['\u200b', '\u200d', '\u00a0', '\u00ad', '\ufeff', '\u2060', '\u200f']

export const oddTexts = [
  'مرحبا، أريد عرض سعر لإبريق شاي واحد من فضلكم',
  'שלום, אשמח להצעת מחיר \u202e12345\u202c תודה',
  '👍👍🏽🎉 call me!!! 📞',
  'Z\u0351\u036f\u0343a\u0310\u035d\u0347l\u0352\u0320g\u034a\u0317o\u0315\u031e',
  'line one\nline two\r\n\tindented "quoted" \\ backslash',
  '<b>bold</b> & <script>alert("hi")</script>',
  "Robert'); DROP TABLE leads;--",
  '{{ input.leads }} ${oops} %s {0}',
  'Ãœber uns: cafÃ© (read with the wrong encoding)',
  '🏳️‍🌈 🇫🇮 👨‍👩‍👧‍👦 𝓯𝓪𝓷𝓬𝔂 𝟙𝟚𝟛',
  'a\u2028b\u2029c',
  '=HYPERLINK("https://example.com","click")',
]

export const extraFields: readonly Record<string, unknown>[] = [
  { '': 'column without a head' },
  { 'Lead Owner Id': 17, 'lead-status': 'new' },
  { constructor: 'text', length: 3 },
  { column_17: null, column_18: '', column_19: 'x' },
  { custom: { interests: ['tea', null, 3], budget: { amount: '12,000', currency: 'EUR' } } },
  { history: [{ at: '2026-02-30', kind: 'call' }, { at: 1_767_571_200, kind: 'mail' }, null] },
  { email2: 'second.address@example.org', unsubscribed: 'false' },
  { phone: 15550123, fax: '+1 555 0100' },
  { createdAt: '05.01.2026' },
  { createdAt: 1_767_571_200_000, updatedAt: 'yesterday' },
  { big: 9_007_199_254_740_991, tiny: 1e-7 },
]

export const sentences = [
  'We would like to see a demo next week.',
  'Please send prices for twenty seats.',
  'Met at the fair, asked for a call back.',
  'Already a customer of the kettle department.',
  'Do not call before ten.',
  'Wants to replace three spreadsheets and a fax machine.',
  'Budget is approved, decision by the end of the quarter.',
  'Only collecting brochures.',
  'Asked twice about the export, and once about the biscuits.',
  'Spoke to a colleague who knows more about it than I do.',
]

function wordsOf(text: string): string[] {
  return text.trim().split(/\s+/)
}
