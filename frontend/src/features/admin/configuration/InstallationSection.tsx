import { inTextLinkClass, Link } from "@/shared/frame/link";
import { Screen } from "@/shared/frame/sheet";
import { useLocale } from "@/shared/i18n/locale";
import { useTexts } from "@/shared/i18n/texts";
import { FactRow, Facts } from "@/shared/ui/section";
import { Select } from "@/shared/ui/select";
import { Group } from "../parts";
import { adminTexts } from "../texts";
import { gigabytes, isGigabytes, toBytes } from "../users/quota";
import { configurationTexts } from "./texts";
import { TextSetting, useSaveNow, WithConfiguration } from "./use-configuration";

const MOST_CHARACTERS = 80;

export function InstallationSection() {
  const t = useTexts(configurationTexts);
  const a = useTexts(adminTexts);
  const locale = useLocale();
  const save = useSaveNow();
  const languages = [
    { value: "de", label: a("german") },
    { value: "en", label: a("english") },
  ] as const;
  return (
    <Screen title={t("installation")} width="form">
      <WithConfiguration>
        {(configuration) => (
          <>
            <TextSetting
              id="name"
              field="name"
              lead={t("nameLead")}
              label={t("name")}
              value={configuration.name}
              version={configuration.version}
              check={(text) => (text.trim() && text.trim().length <= MOST_CHARACTERS ? undefined : t("nameWrong"))}
              toChange={(text) => ({ name: text.trim() })}
            />
            <Group id="default-language" lead={t("languageLead")}>
              <Select
                label={t("language")}
                options={languages}
                value={configuration.default_language}
                onChange={(default_language) =>
                  save(
                    { default_language },
                    { default_language: configuration.default_language },
                    t("languageSaved", { language: default_language === "de" ? a("german") : a("english") }),
                  )
                }
                className="max-w-60"
              />
            </Group>
            <TextSetting
              id="quota"
              field="default_quota_bytes"
              lead={t("quotaLead")}
              label={t("quota")}
              help={t("quotaHelp")}
              numeric
              suffix={<span className="pr-1.5">GB</span>}
              value={
                configuration.default_quota_bytes === null ? "" : gigabytes(configuration.default_quota_bytes, locale)
              }
              version={configuration.version}
              check={(text) => (isGigabytes(text) ? undefined : t("quotaWrong"))}
              toChange={(text) => ({ default_quota_bytes: toBytes(text) })}
            />
            <Group title={t("mailServer")}>
              <Facts>
                <FactRow label={t("mailServer")}>
                  {configuration.mail.configured
                    ? t("mailServerSet", { from: configuration.mail.from })
                    : t("mailServerNone")}{" "}
                  <Link to="/admin/mail" className={inTextLinkClass}>
                    {t("toMail")}
                  </Link>
                </FactRow>
              </Facts>
            </Group>
          </>
        )}
      </WithConfiguration>
    </Screen>
  );
}
