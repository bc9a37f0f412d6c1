import { defineTexts, type Say } from "../i18n/texts";

export const entryTexts = defineTexts("entries", {
  en: {
    "entry.grant": "Credit",
    "entry.settle": "Answer",
    "entry.refund": "Refund",
    "entry.expire": "Credit expired",
    "entry.topup": "Top-up",
    "entry.correction": "Given back",
    "entry.withdraw": "Credit withdrawn",
    "entry.repay": "Debt settled",
    "entry.close": "Account closed",
    isGivenBack: "given back",
  },
  de: {
    "entry.grant": "Gutschrift",
    "entry.settle": "Antwort",
    "entry.refund": "Erstattung",
    "entry.expire": "Gutschrift verfallen",
    "entry.topup": "Aufladung",
    "entry.correction": "Zurückgegeben",
    "entry.withdraw": "Gutschrift zurückgenommen",
    "entry.repay": "Offenes ausgeglichen",
    "entry.close": "Konto geschlossen",
    isGivenBack: "zurückgegeben",
  },
});

/** What moved a balance; a kind that this version does not know is told as it came. */
export function entryWord(kind: string, t: Say<(typeof entryTexts)["en"]>): string {
  const key = `entry.${kind}`;
  return key in entryTexts.en ? t(key as "entry.grant") : kind;
}
