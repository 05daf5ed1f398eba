"""Names of invented people and places, put together from parts that are common in Indonesia.

No combination means a real person; parts that only a well-known name would join are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from app.vocabulary import Sex


@dataclass(frozen=True, slots=True)
class Custom:
    """How one people names its children: first [+ middle] + last, or one word alone.

    Where `middle` isn't told, a second first name stands there.
    """

    weight: int
    first: dict[Sex, Sequence[str]]
    last: dict[Sex, Sequence[str]]
    places: Sequence[str]
    middle: dict[Sex, Sequence[str]] | None = None
    alone: dict[Sex, Sequence[str]] | None = None
    alone_chance: float = 0.0


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _by_sex(male: str, female: str) -> dict[Sex, Sequence[str]]:
    return {Sex.MALE: _words(male), Sex.FEMALE: _words(female)}


def _for_both(words: str) -> dict[Sex, Sequence[str]]:
    return _by_sex(words, words)


_JAWA: Final = Custom(
    weight=34,
    first=_by_sex(
        "Agus Aris Bambang Budi Catur Danang Didik Dwi Eko Galih Gunawan Hari Hendro Heru Imam "
        "Joko Kuncoro Nanang Puji Rudi Sigit Singgih Slamet Suryo Teguh Tri Wahyu Widi Yanto Yudi",
        "Ambar Anik Dewi Dian Dwi Endang Erna Hesti Indah Ika Kartika Lilis Murni Ning Nur Puji "
        "Ratih Ratna Retno Rina Siti Sri Titik Tri Tutik Wahyu Widya Wiwik Yayuk Yuni",
    ),
    middle=_by_sex(
        "Adi Arif Bayu Dwi Fajar Hadi Jati Nur Tri Wisnu",
        "Ayu Dwi Eka Fitri Indri Kurnia Nur Puspita Tri Wulan",
    ),
    last=_by_sex(
        "Cahyono Handoko Hariyanto Hermawan Irawan Kurniawan Kusumo Nugroho Prasetyo Prayitno "
        "Purnomo Raharjo Riyanto Santoso Saputro Setiawan Setyawan Sulistyo Suryanto Susanto "
        "Utomo Wahyudi Wibisono Wibowo Wijanarko Winarno Wiyono Yulianto",
        "Anggraini Astuti Fitriani Hapsari Handayani Hartati Indrawati Kusumawati Lestari Maharani "
        "Ningrum Ningsih Palupi Purwanti Puspitasari Rahayu Rahmawati Setyowati Sulistyowati "
        "Suryani Susilowati Utami Wahyuni Wardani Widayati Winarsih Wulandari Yuliani",
    ),
    alone=_by_sex(
        "Kasiman Mardiyono Mulyono Ngadimin Paijan Parjiyo Sarwono Sudarmaji Sugiyono Suharno "
        "Sukardi Sumanto Suparman Supriyadi Suroso Sutrisno Suwarno Tarmuji Wagiman Wakidi",
        "Jumiati Kasiyem Mujiati Mursiti Ngatini Painem Partini Rubiyah Sarjinah Sugiyarti "
        "Suharti Sukinem Sumarni Sunarti Suparmi Supriyati Surtini Suwarti Tukiyem Wagiyem",
    ),
    alone_chance=0.07,
    places=_words("Semarang Klaten Kediri Magelang Madiun Purworejo Wonogiri Kebumen"),
)

_SUNDA: Final = Custom(
    weight=20,
    first=_by_sex(
        "Aceng Ade Agus Aep Asep Atang Cecep Dadan Dadang Deni Encep Endang Engkos Iwan Jajang "
        "Jujun Maman Nandang Oman Rohman Tatang Toto Ujang Usep Wawan Yayan Yaya Yusup",
        "Ai Cucu Dede Elis Enok Entin Euis Eulis Iim Iis Imas Kokom Lilis Neneng Neng Nia Nining "
        "Nunung Rina Teti Tati Titin Tuti Wiwin Yani Yeni Yoyoh",
    ),
    last=_by_sex(
        "Darmawan Firmansyah Gunawan Hermansyah Hidayat Iskandar Junaedi Kosasih Kurnia Kusnadi "
        "Mulyana Nugraha Permana Ramdani Rustandi Ruhiyat Sobandi Sopandi Suhendar Suherman "
        "Sukmana Supriatna Suryana Sutisna Wiguna Wijaya",
        "Aisyah Hasanah Hayati Herlina Juariah Komalasari Kurniasih Marlina Maryati Mulyati "
        "Nuraeni Nurhasanah Nurjanah Nurlaela Permatasari Rohaeti Rohayati Rosmiati Rukmini "
        "Solihah Suhartini Sukaesih Sumiati Susilawati Widaningsih Yulianti",
    ),
    places=_words("Bandung Garut Tasikmalaya Sumedang Cianjur Sukabumi Ciamis Kuningan"),
)

_BATAK: Final = Custom(
    weight=9,
    first=_by_sex(
        "Benny Binsar Charles Daniel Darwin Edward Ferry Gomgom Hotman Jhonson Jonter Kardo "
        "Lamhot Manaor Marihot Monang Parlin Poltak Ramses Rikardo Robert Sahat Tumpal Tigor",
        "Bertha Debora Dumaria Elfrida Ester Friska Herlina Hotmaida Juliana Kristina Lamria "
        "Lasma Lisbet Marta Melati Mestika Nurmala Pestaria Renata Rosmawati Rotua Sondang Tiurma",
    ),
    last=_for_both(
        "Ambarita Aritonang Batubara Damanik Gultom Harahap Hutabarat Hutagalung Lubis Manurung "
        "Marpaung Nababan Nainggolan Napitupulu Nasution Pakpahan Pangaribuan Purba Rangkuti "
        "Samosir Saragih Siahaan Sianturi Silaban Simamora Simanjuntak Simbolon Sinaga Sirait "
        "Siregar Sitompul Situmorang Tambunan Tarigan"
    ),
    places=_words("Medan Pematangsiantar Balige Tarutung Sibolga Padangsidimpuan"),
)

_MINANG: Final = Custom(
    weight=9,
    first=_by_sex(
        "Afrizal Arman Asrul Dasril Efendi Erizal Fauzan Hendri Ilham Irwan Jufri Khairul "
        "Mardianto Nasrul Novrizal Rahmat Refdi Rizal Syafril Syahrial Yasril Yulizar Zainal Zul",
        "Afriyenti Asnidar Delfina Desmawati Elfitri Elmiati Ermayanti Fitria Gusnita Irmawati "
        "Liza Mailinda Nelfi Nofrita Osmaleni Rahmi Reni Rosnida Syafrida Wirda Yarnis Yusnidar",
    ),
    last=_for_both(
        "Caniago Chaniago Guci Jambak Koto Malayu Mandailiang Panyalai Piliang Pisang Sikumbang "
        "Simabur Tanjung"
    ),
    alone=_by_sex(
        "Syamsuardi Mawardi Asrizal Zulkarnaini Marjohan Darmansyah Hendriadi Yurnalis",
        "Yusmaniar Nurhayati Rosmanidar Ernawilis Fatmawilis Zubaidah Delmiwati Suryanis",
    ),
    alone_chance=0.05,
    places=_words("Padang Bukittinggi Payakumbuh Pariaman Solok Batusangkar"),
)

_BUGIS: Final = Custom(
    weight=9,
    first=_by_sex(
        "Abdul Ambo Amiruddin Andi Arifuddin Baharuddin Burhanuddin Daeng Hamzah Hasanuddin "
        "Ilyas Jamaluddin Kamaruddin Lukman Mappa Muhammad Nasaruddin Saharuddin Syamsuddin",
        "Andi Asriani Besse Dahlia Darmawati Fatimah Hamsinah Hasnah Irma Jumriah Kartini "
        "Marhaeni Mardiana Nirwana Nurhaeda Nurlina Rahmatia Rosdiana Saripa Sitti Suriani",
    ),
    last=_by_sex(
        "Arsyad Bakri Gaffar Haris Jabbar Latief Mansyur Mappiasse Nawir Pallawa Parenrengi "
        "Rahim Rasyid Salam Sallatu Tahir Tenriawaru Umar Wahid",
        "Arsyad Bakri Djafar Gaffar Haris Latief Mansyur Nawir Pallawa Parenrengi Rahim Rasyid "
        "Salam Sallatu Tahir Tenri Umar Wahid",
    ),
    places=_words("Makassar Watampone Parepare Sengkang Pinrang Palopo"),
)

_BALI: Final = Custom(
    weight=6,
    first={
        Sex.MALE: ("I Gede", "I Ketut", "I Komang", "I Made", "I Nyoman", "I Putu", "I Wayan"),
        Sex.FEMALE: ("Ni Kadek", "Ni Ketut", "Ni Komang", "Ni Luh", "Ni Made", "Ni Putu"),
    },
    middle=_by_sex("Adi Agus Bagus Budi Dharma Eka", "Ayu Dewi Eka Indah Sri Wulan"),
    last=_by_sex(
        "Adnyana Arimbawa Artawan Darmika Dharmawan Mahendra Mudana Parwata Sedana Suardana "
        "Suastika Subagia Sudarsana Sujana Suparta Sutama Widiarta Wirawan Yasa",
        "Ariani Asrini Darmini Kertiasih Murniati Parwati Purnami Puspawati Rastiti Sarini "
        "Sriasih Suartini Sukerti Sumiari Suryaningsih Widiantari Yuliastini",
    ),
    places=_words("Denpasar Singaraja Tabanan Gianyar Klungkung Negara"),
)

_MELAYU: Final = Custom(
    weight=9,
    first=_by_sex(
        "Ahmad Azhar Bustami Edi Fahrul Hafiz Harun Ismail Jamil Khaidir Muhammad Raja Ridwan "
        "Said Saiful Syahril Tengku Wan Yusri Zulfikar",
        "Aisyah Azizah Encik Faridah Halimah Jamilah Khairunnisa Maimunah Mariam Nur Nurul Raja "
        "Rohana Salmah Siti Syarifah Tengku Wan Zahara Zuraida",
    ),
    last=_by_sex(
        "Akbar Alamsyah Anwar Asmara Azmi Fahmi Fikri Ghazali Hakim Hamdani Idris Kamal Mahmud "
        "Maulana Putra Ramli Rasyidi Saputra Syahputra Yahya Zakaria",
        "Agustina Aini Asmarani Azura Fadhilah Farhana Hasanah Hidayah Humaira Izzati Jannah "
        "Khadijah Latifah Mardhiah Nabila Rahmadani Ramadhani Safitri Syafira Yusnita Zulaikha",
    ),
    places=_words("Pekanbaru Bengkalis Siak Jambi Pontianak Sambas Tanjungpinang"),
)

_TIMUR: Final = Custom(
    weight=4,
    first=_by_sex(
        "Albertus Alfons Dominggus Frans Hendrik Johanis Kornelis Lukas Markus Nikolaus Petrus "
        "Stefanus Thomas Yakobus Yohanes",
        "Agnes Anastasia Bernadeta Elisabeth Fransiska Katarina Kristina Margaretha Maria Marlina "
        "Martina Novita Paulina Theresia Yosefina",
    ),
    last=_for_both(
        "Bani Fernandez Kause Lamawuran Latuheru Lobo Manuhutu Mbuik Nahak Pattiwael Rumbiak "
        "Sahetapy Seran Tahapary Taek Talakua Tuhumury Wenda Wuwur Yoku"
    ),
    places=_words("Kupang Ende Maumere Ambon Masohi Jayapura Biak Atambua"),
)

_CUSTOMS: Final = (_JAWA, _SUNDA, _BATAK, _MINANG, _BUGIS, _BALI, _MELAYU, _TIMUR)
_WEIGHTS: Final = tuple(custom.weight for custom in _CUSTOMS)
_BORN_AT_HOME: Final = 0.55
_MIDDLE: Final = 0.3

STREETS: Final = _words(
    "Anggrek Beringin Cempaka Cendana Dahlia Flamboyan Kamboja Kenanga Mawar Melati Merdeka "
    "Pahlawan Pemuda Pendidikan Sawo Seruni Teratai Veteran"
)

_PLACE_HEADS: Final = _words(
    "Suka Karang Tanjung Mekar Banjar Sido Wono Kerta Marga Giri Muara Padang Bumi Sumber Tirta "
    "Purwa Taman Rejo Cipta Harja Lembah Mulya Pasir Pulo Rawa Sari Sindang Tegal Tunas Wana "
    "Wangun Wates Kalang Kedung Kebon Batu Bukit Lubuk Rantau Sungai"
)
_PLACE_TAILS: Final = _words(
    "mulya sari jaya mukti asih maju makmur indah agung baru raharja rejo mekar wangi harjo "
    "ratu kencana lestari luhur murni nagara permai putra raya sakti santosa sembada sentosa "
    "setia subur tama tirta tunggal utama warna wetan wijaya yasa bakti dadi"
)


def place_names(rng: Random) -> list[str]:
    """Every invented place name once, in the order of chance: 1,600 at most."""
    names = [head + tail for head in _PLACE_HEADS for tail in _PLACE_TAILS if head.lower() != tail]
    rng.shuffle(names)
    return names


def name_and_birth_place(rng: Random, sex: Sex) -> tuple[str, str]:
    """A full name without titles, and a town of birth that goes with it."""
    custom = rng.choices(_CUSTOMS, _WEIGHTS)[0]
    place = "Kemuning" if rng.random() < _BORN_AT_HOME else rng.choice(custom.places)
    if custom.alone is not None and rng.random() < custom.alone_chance:
        return rng.choice(custom.alone[sex]), place
    words = [rng.choice(custom.first[sex])]
    if rng.random() < _MIDDLE:
        middle = rng.choice((custom.middle or custom.first)[sex])
        words += [middle] if middle not in words else []
    words.append(rng.choice(custom.last[sex]))
    return " ".join(words), place
