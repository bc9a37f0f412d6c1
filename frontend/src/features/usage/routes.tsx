import { ChartColumn, Gauge, ReceiptText, Tags, Wallet } from "lucide-react";
import { defineFeature } from "@/shared/frame/feature";

const title = { en: "Usage", de: "Verbrauch" };

export const usage = defineFeature({
  id: "usage",
  routes: [
    { path: "/usage", area: "usage", title, icon: ChartColumn, load: () => import("./OverviewScreen") },
    {
      path: "/balance",
      area: "usage",
      title: { en: "Balance", de: "Guthaben" },
      icon: Wallet,
      load: () => import("./BalanceScreen"),
    },
    {
      path: "/receipts",
      area: "usage",
      title: { en: "Receipts", de: "Belege" },
      icon: ReceiptText,
      load: () => import("./ReceiptsScreen"),
    },
    {
      path: "/prices",
      area: "usage",
      title: { en: "Prices of models", de: "Preise der Modelle" },
      icon: Tags,
      load: () => import("./PricesScreen"),
    },
    {
      path: "/limits",
      area: "usage",
      title: { en: "Limits and warnings", de: "Grenzen und Warnungen" },
      icon: Gauge,
      load: () => import("./LimitsScreen"),
    },
  ],
  areas: [
    {
      id: "usage",
      title,
      icon: ChartColumn,
      path: "/usage",
      place: "top",
      goKey: "U",
      sidebar: () => import("./UsageSidebar"),
    },
  ],
});
