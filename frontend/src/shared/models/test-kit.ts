import type { ModelInfo } from "./api";

export function makeModel(change: Partial<ModelInfo> = {}): ModelInfo {
  return {
    id: "40000000-0000-4000-8000-000000000001",
    name: "sonnet",
    label: "Claude Sonnet 4.5",
    provider: { id: "50000000-0000-4000-8000-000000000001", kind: "anthropic", label: "Anthropic", is_local: false },
    description: null,
    context_total: 200_000,
    max_output: 64_000,
    takes: ["text", "image"],
    gives: ["text"],
    features: ["tools"],
    price: {
      currency: "EUR",
      is_free: false,
      input: "2.78",
      cached: "0.278",
      cache_write: "3.475",
      output: "13.90",
    },
    state: "ok",
    is_own_key: false,
    deprecated_on: null,
    aliases: [],
    ...change,
  };
}

export const local = makeModel({
  id: "40000000-0000-4000-8000-000000000002",
  name: "phi4",
  label: "Phi-4",
  provider: { id: "50000000-0000-4000-8000-000000000002", kind: "ollama", label: "Ollama", is_local: true },
  context_total: 17_384,
  max_output: 4096,
  takes: ["text"],
  features: [],
  price: { currency: "EUR", is_free: true, input: null, cached: null, cache_write: null, output: null },
});

export const broken = makeModel({
  id: "40000000-0000-4000-8000-000000000003",
  name: "llama-70b",
  label: "Campus Llama 70B",
  provider: { id: "50000000-0000-4000-8000-000000000003", kind: "openai", label: "Campus gateway", is_local: false },
  state: "down",
});
