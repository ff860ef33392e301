"""The folders that replyscope uses: the platform's defaults, or a given data folder."""

import os
from pathlib import Path

import platformdirs

from replyscope.domain.typed_path import typed_path
from replyscope.domain.values import dataclass


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders: `data` has sessions and models, `config` the user's files, `logs` debug logs."""

    data: Path
    config: Path
    logs: Path

    @property
    def database(self) -> Path:
        """The database of sessions."""
        return self.data / "sessions.db"

    @property
    def models(self) -> Path:
        """The folder of the embedded models."""
        return self.data / "models"

    @property
    def settings(self) -> Path:
        """The settings file."""
        return self.config / "settings.toml"

    @property
    def hub_key(self) -> Path:
        """The key with which entries of the hub are encrypted."""
        return self.config / "hub.key"

    @property
    def tools(self) -> Path:
        """The folder of the user's own tools."""
        return self.config / "tools"

    @property
    def prompts(self) -> Path:
        """The folder of the prompt library."""
        return self.config / "prompts"

    @property
    def mcp(self) -> Path:
        """The file of tool servers, in the format of other programs."""
        return self.config / "mcp.json"

    @property
    def price_list(self) -> Path:
        """The price list that was downloaded on request."""
        return self.data / "prices.json"

    @property
    def kept_files(self) -> Path:
        """The folder of binary tool results."""
        return self.data / "files"

    @property
    def backups(self) -> Path:
        """The folder of daily backups."""
        return self.data / "backups"

    @property
    def server_folders(self) -> Path:
        """The working folders of tool servers without a `cwd`."""
        return self.data / "servers"

    @property
    def themes(self) -> Path:
        """The folder of the user's own themes."""
        return self.config / "themes"


def make_private(folder: Path) -> None:
    """Create a folder and its missing parents, with access for the owner only. Raises OSError."""
    if not folder.exists():
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def find_paths(data_dir: str | None = None) -> Paths:
    """The folders; `data_dir` or REPLYSCOPE_DATA_DIR replaces the data and log folders."""
    named = data_dir or os.environ.get("REPLYSCOPE_DATA_DIR")
    config = os.environ.get("REPLYSCOPE_CONFIG_DIR")
    data = typed_path(named) if named else Path(platformdirs.user_data_dir("replyscope"))
    return Paths(
        data=data.absolute(),
        config=typed_path(config).absolute()
        if config
        else Path(platformdirs.user_config_dir("replyscope")),
        logs=data.absolute() / "logs" if named else Path(platformdirs.user_log_dir("replyscope")),
    )
