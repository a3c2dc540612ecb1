"""Book titles for the synthetic data set: eight openings and eight endings per genre.

Every opening fits every ending of its genre, one of the two names the subject, and no title can
come from two genres. Changing a word changes the published fixtures.
"""

from __future__ import annotations

from typing import NamedTuple


class Genre(NamedTuple):
    """A genre's name and the two halves of its titles."""

    name: str
    openings: tuple[str, ...]
    endings: tuple[str, ...]


def book_title(genre: Genre, position: int) -> str:
    """Return the title of the ``position``-th book of a genre, from 0: ASCII without a comma.

    Walks the table of openings x endings along its diagonals, so that neighbors differ in both
    halves, and starts over with "(volume 2)" at its end: no two positions share a title.

    >>> book_title(GENRES[0], 0), book_title(GENRES[0], 65)
    ('The Sourdough Almanac', 'The Rye Bread Handbook (volume 2)')
    """
    row, opening = divmod(position, len(genre.openings))
    volume, shift = divmod(row, len(genre.endings))
    title = f"{genre.openings[opening]} {genre.endings[(opening + shift) % len(genre.endings)]}"
    return title if volume == 0 else f"{title} (volume {volume + 1})"


def _genre(name: str, openings: str, endings: str) -> Genre:
    return Genre(name, tuple(openings.split(" | ")), tuple(endings.split(" | ")))


# Small data sets use the first genres only, so neighbors have unlike subjects.
GENRES: tuple[Genre, ...] = (
    _genre(
        "bread baking",
        "The Sourdough | The Rye Bread | The Country Loaf | The Baguette"
        " | The Wild Yeast | The Bread Oven | The Focaccia | The Morning Bun",
        "Almanac | Handbook | Notebook | Bible | School | Companion | Diary | Workshop",
    ),
    _genre(
        "space opera",
        "Exiles of the | The Last | Beyond the | War for the"
        " | Daughters of the | The Burning | Return to the | The Stolen",
        "Starship | Galaxy | Nebula | Star Empire | Asteroid Belt | Warp Gate | Moon Colony"
        " | Star Fleet",
    ),
    _genre(
        "gardening",
        "The Kitchen Garden | The Rose Garden | The Cottage Garden | The Balcony Garden"
        " | The Compost Heap | The Greenhouse | The Orchard | The Vegetable Plot",
        "in Spring | in Summer | in Autumn | in Winter | for Beginners | Month by Month"
        " | in Pictures | for Busy People",
    ),
    _genre(
        "detective novels",
        "Murder at | The Inspector at | A Body at | The Detective at"
        " | Poison at | The Alibi at | A Killer at | The Missing Witness at",
        "Abbey Lane | Harbour House | Blackwood Hall | the Grand Hotel | the Opera"
        " | Number Nine | the Vicarage | Midnight",
    ),
    _genre(
        "chess",
        "The Sicilian Defence | The Rook Endgame | The Queen Sacrifice | The Chess Opening"
        " | The Passed Pawn | The Bishop Pair | The Knight Fork | The King March",
        "Explained | Move by Move | in Master Games | in Sixty Lessons | at the Chessboard"
        " | for Club Players | Revisited | in a Nutshell",
    ),
    _genre(
        "sailing",
        "Single-Handed Sailing | Dinghy Sailing | Yacht Racing | Sailing with Children"
        " | Tall Ship Voyages | Catamaran Cruising | Sailing by the Stars | Winter Sailing",
        "in the Baltic | round the Horn | in the Aegean | off Brittany | in the Hebrides"
        " | across the Atlantic | among the Fjords | in the South Seas",
    ),
    _genre(
        "jazz",
        "Bebop | The Saxophone | The Big Band | The Jazz Trumpet"
        " | The Jazz Piano | Swing | The Double Bass | The Jazz Singer",
        "in Harlem | after Midnight | in New Orleans | on Record | in Paris | in Black and White"
        " | on Tour | and the Blues",
    ),
    _genre(
        "beekeeping",
        "The Honeybee | The Beehive | The Queen Bee | The Apiary"
        " | The Bumblebee | The Beeswax | The Honeycomb | The Bee Swarm",
        "Year | Primer | Inspector | Almanac | Logbook | Doctor | Calendar | Keeper",
    ),
    _genre(
        "mountaineering",
        "Alone on | First Ascent of | Avalanche on | The North Face of"
        " | Storm over | The Ice Axe and | Base Camp below | Roped Together on",
        "the Eiger | the Matterhorn | Annapurna | Mont Blanc | Denali | Nanga Parbat"
        " | Aconcagua | the White Summit",
    ),
    _genre(
        "pirate adventures",
        "The Pirate Queen of | Mutiny off | Buried Gold of | The Buccaneers of"
        " | The Corsair of | The Cutlass of | The Jolly Roger over | The Privateer of",
        "Tortuga | Port Royal | Skull Island | the Spanish Main | Barbary | Madagascar"
        " | Dead Man Bay | the Lost Lagoon",
    ),
    _genre(
        "knitting",
        "The Fair Isle | The Cable Stitch | The Woollen Sock | The Lace Shawl"
        " | The Mohair | The Winter Mitten | The Cardigan | The Merino",
        "Knitting Book | Pattern Book | Knitting Circle | Knitalong | Knitting Club"
        " | Yarn Basket | Stitch Guide | Knitting Lesson",
    ),
    _genre(
        "astronomy",
        "Observing | A Field Guide to | The Physics of | Photographing"
        " | A Short History of | Charting | The Discovery of | A Telescope Tour of",
        "the Planets | the Milky Way | Comets | Double Stars | Eclipses | the Rings of Saturn"
        " | Supernovae | Meteor Showers",
    ),
    _genre(
        "ghost stories",
        "The Ghost of | The Haunting of | Whispers in | The Phantom of"
        " | The Curse of | A Seance in | The Spectre of | The Grey Lady of",
        "Hollow House | the Old Rectory | Crow Manor | the Empty Nursery | the Drowned Village"
        " | the Attic | Marsh End | the Churchyard",
    ),
    _genre(
        "cycling",
        "By Bicycle through | A Tandem in | Pedalling across | Two Wheels over"
        " | A Folding Bike in | Slow Cycling in | A Puncture in | Freewheeling through",
        "the Pyrenees | Tuscany | Patagonia | the Low Countries | Japan | the Black Forest"
        " | Vietnam | the Scottish Borders",
    ),
    _genre(
        "ancient Rome",
        "Life under | The Legions of | The Triumph of | Letters to"
        " | The Assassins of | The Roads of | The Rome of | The Senate against",
        "Julius Caesar | Augustus | Nero | Hadrian | Trajan | Marcus Aurelius | Caligula"
        " | Constantine",
    ),
    _genre(
        "watercolour painting",
        "Painting | Watercolour Lessons: | Wet on Wet: | A Watercolour Sketchbook of"
        " | Loose Brushwork: | Watercolour Light: | First Washes: | The Watercolour Box:",
        "Skies and Clouds | Harbours | Wild Flowers | Snow Scenes | Old Towns | Portraits"
        " | Still Water | Birds and Feathers",
    ),
    _genre(
        "dragon fantasy",
        "The Dragon Rider and | The Last Dragon and | The Wyvern and | The Dragon Egg and"
        " | The Sleeping Dragon and | The Dragon Queen and | Dragonfire and | The Young Dragon and",
        "the Crown | the Sorcerer | the Iron Tower | the Stolen Spell | the Goblin King"
        " | the Runestone | the Silver Sword | the Elven Gate",
    ),
    _genre(
        "birdwatching",
        "The Owls of | The Songbirds of | The Birds of Prey of | Birdwatching in"
        " | The Waders of | The Woodpeckers of | A Twitcher in | The Seabirds of",
        "the Northern Forest | the Coast | the Islands | the High Moor | the River Delta"
        " | the City Parks | the Great Marshes | the Far South",
    ),
    _genre(
        "railways",
        "The Steam Engine to | The Night Train to | The Branch Line to | The Sleeper to"
        " | The Express to | The Narrow Gauge to | The Last Train to | The Freight Train to",
        "Istanbul | Vladivostok | Inverness | Lisbon | Darjeeling | Samarkand | Cusco | Vienna",
    ),
    _genre(
        "coffee",
        "The Espresso | The Coffee Roaster | The Barista | The Cappuccino"
        " | The Coffee Bean | The Moka Pot | The Flat White | The Filter Coffee",
        "Manual | Atlas | Manifesto | Masterclass | Cookbook | Chronicle | Dictionary | Tasting",
    ),
)
