"""The bounded memory, by itself."""

from ocpp_sansio._memory import Memory


def memory_of(*ids: str, most: int = 3) -> Memory[str]:
    memory: Memory[str] = Memory(most)
    for id in ids:
        memory.keep(id, f"value of {id}")
    return memory


def test_what_is_kept_is_found_by_its_id() -> None:
    assert memory_of("1", "2").get("1") == "value of 1"


def test_what_was_never_kept_is_not_found() -> None:
    assert memory_of("1").get("2") is None


def test_beyond_the_bound_the_oldest_is_forgotten() -> None:
    assert list(memory_of("1", "2", "3", "4")) == ["2", "3", "4"]


def test_up_to_the_bound_nothing_is_forgotten() -> None:
    assert list(memory_of("1", "2", "3")) == ["1", "2", "3"]


def test_an_id_that_is_kept_again_is_the_newest() -> None:
    assert list(memory_of("1", "2", "3", "1", "4")) == ["3", "1", "4"]


def test_an_id_that_is_kept_again_has_its_newest_value() -> None:
    memory = memory_of("1", "2")
    memory.keep("1", "new")
    assert memory == {"2": "value of 2", "1": "new"}


def test_what_was_taken_out_makes_room() -> None:
    memory = memory_of("1", "2", "3")
    assert memory.pop("2") == "value of 2"
    memory.keep("4", "")
    assert list(memory) == ["1", "3", "4"]


def test_a_memory_of_one_has_the_newest() -> None:
    assert list(memory_of("1", "2", "3", most=1)) == ["3"]


def test_a_memory_has_no_attributes_of_its_own_making() -> None:
    assert not hasattr(memory_of(), "__dict__")
