import {
  formatDateTime,
  formatMoney,
  formatNumber,
  formatPercent,
  formatTableDate,
  formatTime,
} from "@/shared/i18n/format";
import { languageNames, useLocale } from "@/shared/i18n/locale";
import { currencyOptions, timeZoneOptions } from "@/shared/i18n/regions";
import { useTexts } from "@/shared/i18n/texts";
import { useMe } from "@/shared/session/queries";
import { Combobox } from "@/shared/ui/combobox";
import { FactRow, Facts } from "@/shared/ui/section";
import { Select } from "@/shared/ui/select";
import { Segmented } from "@/shared/ui/tabs";
import { useMinute } from "@/shared/ui/values";
import { Rows, SettingGroup, SettingRow, useSettingTitle } from "./parts";
import { settingsTexts } from "./texts";
import { useSave } from "./use-save";

export function LanguageSection() {
  const t = useTexts(settingsTexts);
  const locale = useLocale();
  const { settings } = useMe();
  const save = useSave();
  const titles = {
    language: useSettingTitle("language"),
    timezone: useSettingTitle("timezone"),
    currency: useSettingTitle("currency"),
    address: useSettingTitle("address"),
  };
  const languages = [
    { value: "system" as const, label: t("languageSystem") },
    { value: "de" as const, label: languageNames.de },
    { value: "en" as const, label: languageNames.en },
  ];
  return (
    <>
      <Rows>
        <SettingRow id="language" help={t("languageHelp")}>
          <Select
            label={titles.language}
            className="@2xl:w-64"
            options={languages}
            value={settings.language}
            onChange={(language) => save({ language }, t("languageSaved"))}
          />
        </SettingRow>
        <SettingRow id="timezone" help={t("timezoneHelp")}>
          <Combobox
            label={titles.timezone}
            className="@2xl:w-64"
            options={timeZoneOptions(settings.timezone)}
            value={settings.timezone}
            onChange={(timezone) => save({ timezone }, t("timezoneSaved", { zone: timezone.replaceAll("_", " ") }))}
          />
        </SettingRow>
        <SettingRow id="currency" help={t("currencyHelp")}>
          <Combobox
            label={titles.currency}
            className="@2xl:w-64"
            options={currencyOptions(locale.language)}
            value={settings.currency}
            onChange={(currency) => save({ currency }, t("currencySaved", { currency }))}
          />
        </SettingRow>
        <SettingRow id="address" help={t("addressHelp")}>
          <Segmented
            label={titles.address}
            items={[
              { value: "sie", label: t("addressSie") },
              { value: "du", label: t("addressDu") },
            ]}
            value={settings.address_form === "du" ? "du" : "sie"}
            onChange={(form) =>
              save(
                { address_form: form },
                t("addressSaved", { form: form === "du" ? t("addressDu") : t("addressSie") }),
              )
            }
          />
        </SettingRow>
      </Rows>
      <SettingGroup id="formats" lead={t("formatsLead")}>
        <FormatsPreview />
      </SettingGroup>
    </>
  );
}

function FormatsPreview() {
  const t = useTexts(settingsTexts);
  const locale = useLocale();
  const now = useMinute();
  return (
    <Facts>
      <FactRow label={t("formatMoment")}>
        <span className="num">{formatDateTime(now, locale)}</span>
      </FactRow>
      <FactRow label={t("formatTable")}>
        <span className="num">
          {formatTableDate(now, locale)}, {formatTime(now, locale)}
        </span>
      </FactRow>
      <FactRow label={t("formatNumber")}>
        <span className="num">
          {formatNumber(18420.5, {}, locale)}, {formatPercent(0.94, 0, locale)}
        </span>
      </FactRow>
      <FactRow label={t("formatMoney")}>
        <span className="num">
          {formatMoney(27_640_000_000, locale.currency, {}, locale)},{" "}
          {formatMoney(28_000_000, locale.currency, {}, locale)}
        </span>
      </FactRow>
    </Facts>
  );
}
