"""Fact ``pins``: which versions of each library the repository allows.

For what asks for the version of a library that it learns on the way: of the one that fills in a
default, of the one whose call it looks at. A rule about one library asks for its pin alone
(``pinned_trl: VersionRange = ANY``).
"""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine.version_range import ANY, VersionRange


class Pins:
    """The versions that may be installed, by library."""

    def __init__(self, versions: Mapping[str, VersionRange]) -> None:
        """Of the libraries that something is said of."""
        self._versions = versions

    def __getitem__(self, library: str) -> VersionRange:
        """The versions of a package; every one, where nothing is said."""
        return self._versions.get(library, ANY)


def pins(
    pinned_peft: VersionRange = ANY,
    pinned_transformers: VersionRange = ANY,
    pinned_trl: VersionRange = ANY,
    pinned_bitsandbytes: VersionRange = ANY,
    pinned_openrlhf: VersionRange = ANY,
    pinned_ms_swift: VersionRange = ANY,
    pinned_torchtune: VersionRange = ANY,
    pinned_autotrain_advanced: VersionRange = ANY,
    pinned_verl: VersionRange = ANY,
    pinned_llamafactory: VersionRange = ANY,
    pinned_litgpt: VersionRange = ANY,
    pinned_ludwig: VersionRange = ANY,
    pinned_nemo_automodel: VersionRange = ANY,
    pinned_oumi: VersionRange = ANY,
    pinned_axolotl: VersionRange = ANY,
) -> Pins:
    """The versions that the repository allows."""
    return Pins(
        {
            "peft": pinned_peft,
            "transformers": pinned_transformers,
            "trl": pinned_trl,
            "bitsandbytes": pinned_bitsandbytes,
            "openrlhf": pinned_openrlhf,
            "swift": pinned_ms_swift,
            "torchtune": pinned_torchtune,
            "autotrain": pinned_autotrain_advanced,
            "verl": pinned_verl,
            "llamafactory": pinned_llamafactory,
            "litgpt": pinned_litgpt,
            "ludwig": pinned_ludwig,
            "nemo_automodel": pinned_nemo_automodel,
            "oumi": pinned_oumi,
            "axolotl": pinned_axolotl,
        }
    )
