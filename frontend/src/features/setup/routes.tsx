import { defineFeature } from "@/shared/frame/feature";

export const setup = defineFeature({ id: "setup", routes: [] });
