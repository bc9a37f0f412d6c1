import { Download, Printer } from "lucide-react";
import { useState } from "react";
import { formatDate } from "@/shared/i18n/format";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { useMe } from "@/shared/session/queries";
import { Button } from "@/shared/ui/button";
import { Checkbox } from "@/shared/ui/choice";
import { CopyButton } from "@/shared/ui/copy-button";
import { Dialog } from "@/shared/ui/dialog";
import { PRODUCT_NAME } from "@/shared/ui/logo";
import { settingsTexts } from "./texts";

/** Shown once. Closing needs the word that they are kept, because nobody can bring them back. */
export function RecoveryCodes({ codes, onClose }: { codes: readonly string[]; onClose: () => void }) {
  const t = useTexts(settingsTexts);
  const locale = useLocale();
  const me = useMe();
  const [isKept, setKept] = useState(false);
  const head = t("codesFile", {
    product: PRODUCT_NAME,
    account: me.email ?? me.name,
    date: formatDate(Date.now(), locale),
  });
  const text = `${head}\n\n${codes.join("\n")}\n`;
  return (
    <Dialog
      open
      onOpenChange={(next) => !next && isKept && onClose()}
      title={t("codesTitle")}
      description={t("codesLead")}
      footer={
        <>
          <span className="mr-auto">
            <Checkbox label={t("codesKept")} checked={isKept} onChange={setKept} />
          </span>
          <Button variant="primary" disabled={!isKept} onClick={onClose}>
            {t("done")}
          </Button>
        </>
      }
    >
      <ul className="num grid grid-cols-2 gap-x-6 gap-y-1.5 rounded-md bg-sunken px-5 py-4 font-mono text-md max-sm:grid-cols-1">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <div className="mt-4 flex flex-wrap gap-2">
        <Button icon={Download} onClick={() => download(text)}>
          {t("codesDownload")}
        </Button>
        <Button icon={Printer} onClick={() => print(head, codes)}>
          {t("codesPrint")}
        </Button>
        <CopyButton text={text} label={t("codesCopy")} withWord />
      </div>
    </Dialog>
  );
}

function download(text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = "kontor-recovery-codes.txt";
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A sheet of paper with nothing else on it; the page behind is not printed. */
function print(head: string, codes: readonly string[]): void {
  const frame = document.createElement("iframe");
  frame.hidden = true;
  frame.setAttribute("aria-hidden", "true");
  document.body.append(frame);
  const page = frame.contentDocument;
  if (!page || !frame.contentWindow) return;
  const title = page.createElement("p");
  title.textContent = head;
  const list = page.createElement("pre");
  list.textContent = codes.join("\n");
  page.body.append(title, list);
  frame.contentWindow.addEventListener("afterprint", () => frame.remove());
  frame.contentWindow.print();
}
