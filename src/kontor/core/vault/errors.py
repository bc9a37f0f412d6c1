"""What can go wrong with sealed values. None of it says anything about what was sealed."""

from kontor.core.errors import Kind, KontorError


class MasterKeyMissing(KontorError):
    kind, code = Kind.UNAVAILABLE, "vault.master_key_missing"

    def __init__(self, master_id: str, *, present: str, source: str) -> None:
        super().__init__(
            f"This was sealed under the master key {master_id}, and the present one, from {source}, is {present}. "
            "Put the former key back, or name it in KONTOR_MASTER_KEY_OLD (as a file: `master.key.1` in the data "
            "folder)."
        )
        self.master_id = master_id


class SealBroken(KontorError):
    kind, code = Kind.INTERNAL, "vault.seal_broken"

    def __init__(self) -> None:
        super().__init__("A sealed value was changed, or moved from the place that it was sealed for.")


class CanaryMissing(KontorError):
    kind, code = Kind.UNAVAILABLE, "vault.canary_missing"

    def __init__(self) -> None:
        super().__init__("The vault has never been opened here. Start Kontor once with its master key.")
