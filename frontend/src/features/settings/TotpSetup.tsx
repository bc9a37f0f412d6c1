import { useEffect, useMemo, useRef } from "react";
import { useTexts } from "@/shared/i18n/texts";
import { CopyButton } from "@/shared/ui/copy-button";
import { Dialog } from "@/shared/ui/dialog";
import { ErrorState, Skeleton } from "@/shared/ui/states";
import { useConfirmTotp, useStartTotp } from "./api";
import { CodeForm } from "./CodeForm";
import { RecoveryCodes } from "./RecoveryCodes";
import { settingsTexts } from "./texts";

/** Picture, secret, first code; then the recovery codes, which nobody sees a second time. */
export function TotpSetup({ onClose }: { onClose: () => void }) {
  const t = useTexts(settingsTexts);
  const { mutate: start, data, error } = useStartTotp();
  const confirm = useConfirmTotp();
  const begun = useRef(false);
  useEffect(() => {
    // Once: each start makes a new secret, and a picture that changes cannot be scanned.
    if (begun.current) return;
    begun.current = true;
    start();
  }, [start]);

  if (confirm.data) return <RecoveryCodes codes={confirm.data.recovery_codes} onClose={onClose} />;
  return (
    <Dialog
      open
      onOpenChange={(next) => !next && onClose()}
      title={t("totpSetupTitle")}
      description={t("totpSetupLead")}
    >
      {error ? <ErrorState error={error} onRetry={() => start()} /> : null}
      {error ? null : (
        <div className="flex flex-col gap-5">
          <div className="flex flex-wrap items-center gap-5">
            {data ? <QrCode svg={data.qr_svg} label={t("qrLabel")} /> : <Skeleton className="size-44" />}
            <div className="min-w-0 grow basis-52">
              <p className="text-muted-foreground">{t("secretLead")}</p>
              <p className="mt-2 flex items-center gap-2 rounded-sm border border-border bg-sunken py-1 pr-1 pl-3">
                <code className="min-w-0 grow font-mono text-xs break-all">{data ? inFours(data.secret) : "…"}</code>
                {data ? <CopyButton text={data.secret} label={t("secretCopy")} /> : null}
              </p>
            </div>
          </div>
          <CodeForm
            action={t("turnOn")}
            busy={confirm.isPending}
            problem={confirm.error}
            onSubmit={(code) => confirm.mutate(code)}
            onCancel={onClose}
          />
        </div>
      )}
    </Dialog>
  );
}

const inFours = (secret: string) => secret.replaceAll(/(.{4})(?=.)/g, "$1 ");

const attribute = (markup: string, name: string) => new RegExp(`\\s${name}="([^"]*)"`).exec(markup)?.[1];

/**
 * Draws the server's picture from its one path, so that no foreign markup enters the page; the content policy would not
 * let it be parsed either. Black on white in the dark too, because cameras expect it.
 */
function QrCode({ svg, label }: { svg: string; label: string }) {
  const drawing = useMemo(() => {
    const [, root = "", path = ""] = /<svg([^>]*)>.*?<path([^>]*)>/s.exec(svg) ?? [];
    return {
      viewBox: attribute(root, "viewBox") ?? "0 0 1 1",
      d: attribute(path, "d") ?? "",
      transform: attribute(path, "transform"),
      isStroke: attribute(path, "stroke") !== undefined,
    };
  }, [svg]);
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox={drawing.viewBox}
      className="size-44 rounded-sm bg-white shadow-page"
      shapeRendering="crispEdges"
    >
      <path
        d={drawing.d}
        transform={drawing.transform}
        stroke={drawing.isStroke ? "black" : undefined}
        fill={drawing.isStroke ? "none" : "black"}
      />
    </svg>
  );
}
