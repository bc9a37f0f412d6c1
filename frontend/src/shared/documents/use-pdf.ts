import { useEffect, useState } from "react";
import { type OpenPdf, openPdf } from "./pdf";

export type PdfState =
  | { readonly state: "opening" }
  | { readonly state: "open"; readonly pdf: OpenPdf }
  | { readonly state: "failed"; readonly isLocked: boolean };

const opening: PdfState = { state: "opening" };

/** The PDF behind an address, for as long as somebody looks at it. Null asks for none. */
export function usePdf(url: string | null): PdfState {
  const [found, setFound] = useState<{ url: string; state: PdfState } | null>(null);
  useEffect(() => {
    if (url === null) return;
    let isGone = false;
    const { opened, release } = openPdf(url);
    opened.then(
      (pdf) => isGone || setFound({ url, state: { state: "open", pdf } }),
      (error: unknown) => {
        const isLocked = error instanceof Error && error.name === "PasswordException";
        if (!isGone) setFound({ url, state: { state: "failed", isLocked } });
      },
    );
    return () => {
      isGone = true;
      release();
      setFound(null);
    };
  }, [url]);
  return found && found.url === url ? found.state : opening;
}
