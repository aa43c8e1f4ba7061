"""One command's whole story, attempt by attempt: the answer to "why is this late?"."""

from projections.commands.projection import CommandsProjection
from projections.commands.queries import command_story, commands_of
from projections.commands.story import OPEN, CommandStory, Moment

__all__ = ["OPEN", "CommandStory", "CommandsProjection", "Moment", "command_story", "commands_of"]
