"""Inputs, the rules that they were scored by, and what came of it: the making of a result row."""

from dataclasses import dataclass
from typing import Any, Self

from app.rules.scoring import RulesUsed, Scoring, ScoringInputs, score


@dataclass(frozen=True, slots=True)
class Scored:
    """One assessment scored. The same inputs under the same rules are scored alike for ever."""

    inputs: ScoringInputs
    rules: RulesUsed
    outcome: Scoring

    @classmethod
    def of(cls, inputs: ScoringInputs, rules: RulesUsed) -> Self:
        """Score the inputs. Errors: as `app.rules.scoring.score`."""
        return cls(inputs, rules, score(inputs, rules))

    def columns(self) -> dict[str, Any]:
        """The columns of a result that the rules give; JSON as it is stored."""
        return {
            "purpose": self.inputs.purpose,
            "assessed_on": self.inputs.assessed_on,
            "inputs": self.inputs.to_json(),
            "rules": self.rules.to_json(),
            "outcome": self.outcome.to_json(),
            "jpm": self.outcome.jpm,
            "jpm_uncapped": self.outcome.jpm_uncapped,
            "band": self.outcome.band,
            "potential": self.outcome.potential,
            "gaps": sum(1 for each in self.outcome.competencies if each.gap),
            "valid_until": self.outcome.valid_until,
        }
