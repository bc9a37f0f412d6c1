import type { ReactNode } from "react";
import { useLocale } from "@/shared/i18n/locale";
import { cx } from "@/shared/ui/cx";
import { catalogue } from "./catalogue";

const found =
  "scroll-mt-4 outline-none transition-[background-color,box-shadow] duration-[220ms] data-found:bg-primary-tint data-found:shadow-[0_0_0_8px_var(--primary-tint)] rounded-xs";

export function useSettingTitle(id: string): string {
  const { language } = useLocale();
  return catalogue.title(id)[language];
}

/** A heading with what belongs together; its anchor is the setting's id. */
export function Group({
  id,
  title,
  lead,
  actions,
  children,
}: {
  id?: string;
  title: ReactNode;
  lead?: ReactNode;
  actions?: ReactNode;
  children?: ReactNode;
}) {
  return (
    <section id={id} tabIndex={id ? -1 : undefined} className={cx("mt-8 first:mt-2", id && found)}>
      <div className="flex min-h-8 flex-wrap items-center gap-x-3 gap-y-2">
        <h2 className="grow text-md font-semibold">{title}</h2>
        {actions}
      </div>
      {lead ? <div className="max-w-[38.5rem] text-muted-foreground">{lead}</div> : null}
      {children ? <div className="mt-3">{children}</div> : null}
    </section>
  );
}

/** The same for a group that is one setting, with its title from the catalogue. */
export function SettingGroup({ id, ...rest }: Omit<Parameters<typeof Group>[0], "title"> & { id: string }) {
  const title = useSettingTitle(id);
  return <Group id={id} title={title} {...rest} />;
}

/** One setting that saves at once: its name and what it does at the left, the control at the right. */
export function SettingRow({
  id,
  help,
  wide = false,
  isSwitch = false,
  children,
}: {
  id: string;
  help?: ReactNode;
  /** The control needs the whole width below the words. */
  wide?: boolean;
  /** Its name is the row's, so the switch stands alone and flush right. */
  isSwitch?: boolean;
  children: ReactNode;
}) {
  const title = useSettingTitle(id);
  return (
    <div
      id={id}
      tabIndex={-1}
      className={cx(
        "border-b border-border-soft py-4 first:border-t",
        found,
        !wide && "@2xl:flex @2xl:items-start @2xl:justify-between @2xl:gap-8",
      )}
    >
      <div className="min-w-0">
        <h2 id={`${id}-title`} className="font-medium">
          {title}
        </h2>
        {help ? (
          <p id={`${id}-help`} className="max-w-[30rem] text-muted-foreground">
            {help}
          </p>
        ) : null}
      </div>
      <div className={cx("mt-2.5 min-w-0", !wide && "@2xl:mt-0 @2xl:flex-none", isSwitch && "@2xl:-mr-3")}>
        {children}
      </div>
    </div>
  );
}

export function Rows({ children }: { children: ReactNode }) {
  return <div className="mt-2">{children}</div>;
}
